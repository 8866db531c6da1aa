"""VIOLET in PyTorch: the benchmark peer.

The published computation (arXiv 2111.12681), written the way the published system runs it: eager,
float32, one nn.Module an operation. Only bench/peer uses it; the C project never needs it.

    config = preset("tiny")                     # or preset("violet1"), or a dict of the same keys
    model = Violet(config)
    hash_initialise(model, seed=1)              # the golden values' initialiser
    losses = PretrainStep(model)(batch)         # attended pass, masking, three losses, update

B batch, T frames, H W pixels, h = H/32, w = W/32, N = T(1+hw) image tokens, X text positions,
S = N+X, C channels of a stage, D hidden size. Parameter names are those of published checkpoints.
"""
import functools
import math
import re
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLS, SEP, PAD, MASK = 101, 102, 0, 103
PATCH = 32              # pixels an image token covers, each way
VTM_TEMPERATURE = 0.05
HIDDEN_KEY = -10000.0   # added to the score of a padded text position

PRESETS = {
    "violet1": dict(embed_dim=96, depths=[2, 2, 18, 2], heads=[3, 6, 12, 24], window=[8, 7, 7],
                    hidden=768, ct_layers=12, ct_heads=12, ct_mlp=3072,
                    size_vocab=30522, size_code=8192),
    "tiny": dict(embed_dim=24, depths=[2, 2, 2, 2], heads=[1, 2, 4, 8], window=[8, 7, 7],
                 hidden=192, ct_layers=2, ct_heads=4, ct_mlp=768,
                 size_vocab=30522, size_code=8192),
}


def preset(name):
    return dict(PRESETS[name])


# ---- video encoder: Video Swin -----------------------------------------------------------------

class DropPath(nn.Module):
    """Drops a whole sample's residual branch, and scales the others up."""
    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if self.rate == 0.0 or not self.training:
            return x
        keep = 1.0 - self.rate
        alive = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), dtype=x.dtype) < keep
        return x.div(keep) * alive.to(x.dtype)


def fit_window(grid, window, shift):
    """A window no smaller than the grid shrinks to it, and is not shifted along that axis."""
    size = tuple(min(g, w) for g, w in zip(grid, window))
    move = tuple(0 if g <= w else s for g, w, s in zip(grid, window, shift))
    return size, move


def partition(x, size):
    """(B, T, H, W, C) -> (B * windows, positions, C)"""
    B, T, H, W, C = x.shape
    t, h, w = size
    x = x.view(B, T // t, t, H // h, h, W // w, w, C)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).contiguous().view(-1, t * h * w, C)


def unpartition(x, size, B, T, H, W):
    """(B * windows, positions, C) -> (B, T, H, W, C)"""
    t, h, w = size
    x = x.view(B, T // t, H // h, W // w, t, h, w, -1)
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).contiguous().view(B, T, H, W, -1)


@functools.lru_cache(maxsize=None)
def shifted_mask(grid, size, move):
    """(windows, positions, positions): -100 where two positions come from different regions of the
    padded grid, which is cut at -window and at -shift along every shifted axis."""
    region = torch.zeros(grid, dtype=torch.long)
    for axis, (length, w, s) in enumerate(zip(grid, size, move)):
        at = torch.arange(length)
        cut = (at >= length - w).long() + (at >= length - s).long() if s else torch.zeros_like(at)
        region = region * 3 + cut.view([-1 if a == axis else 1 for a in range(3)])
    region = partition(region.view(1, *grid, 1), size).squeeze(-1)
    apart = region.unsqueeze(1) != region.unsqueeze(2)
    return torch.zeros(apart.shape).masked_fill(apart, -100.0)


def relative_index(window):
    """(positions, positions): row of the bias table for each pair in a full window."""
    axes = [torch.arange(w) for w in window]
    at = torch.stack([g.flatten() for g in torch.meshgrid(*axes, indexing="ij")])   # (3, n)
    index = torch.zeros(at.shape[1], at.shape[1], dtype=torch.long)
    for x, w in zip(at, window):
        index = index * (2 * w - 1) + x.unsqueeze(1) - x.unsqueeze(0) + w - 1
    return index


class WindowAttention(nn.Module):
    def __init__(self, dim, window, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        rows = math.prod(2 * w - 1 for w in window)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, heads))
        self.register_buffer("relative_position_index", relative_index(window), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        Bw, n, C = x.shape                                              # (B * windows, n, C)
        qkv = self.qkv(x).reshape(Bw, n, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]                                # (Bw, heads, n, d)
        score = (q * self.scale) @ k.transpose(-2, -1)
        index = self.relative_position_index[:n, :n].reshape(-1)
        bias = self.relative_position_bias_table[index].reshape(n, n, -1)
        score = score + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if mask is not None:
            score = score.view(-1, mask.shape[0], self.heads, n, n) + mask.unsqueeze(1).unsqueeze(0)
            score = score.view(-1, self.heads, n, n)
        weight = F.softmax(score, dim=-1)
        return self.proj((weight @ v).transpose(1, 2).reshape(Bw, n, C))


class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, dim, heads, window, shift, drop_path):
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim)

    def attend(self, x):
        B, T, H, W, _ = x.shape
        size, move = fit_window((T, H, W), self.window, self.shift)
        x = self.norm1(x)
        pad = [-g % s for g, s in zip((T, H, W), size)]
        x = F.pad(x, (0, 0, 0, pad[2], 0, pad[1], 0, pad[0]))
        grid = tuple(x.shape[1:4])
        mask = None
        if any(move):
            x = torch.roll(x, shifts=tuple(-m for m in move), dims=(1, 2, 3))
            mask = shifted_mask(grid, size, move).to(x.dtype)
        x = unpartition(self.attn(partition(x, size), mask), size, B, *grid)
        if any(move):
            x = torch.roll(x, shifts=move, dims=(1, 2, 3))
        return x[:, :T, :H, :W, :].contiguous() if any(pad) else x

    def forward(self, x):                                               # (B, T, H, W, C)
        x = x + self.drop_path(self.attend(x))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PatchMerging(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x):
        H, W = x.shape[2:4]
        if H % 2 or W % 2:
            x = F.pad(x, (0, 0, 0, W % 2, 0, H % 2))
        x = torch.cat([x[:, :, 0::2, 0::2], x[:, :, 1::2, 0::2],
                       x[:, :, 0::2, 1::2], x[:, :, 1::2, 1::2]], -1)
        return self.reduction(self.norm(x))


class SwinStage(nn.Module):
    def __init__(self, dim, depth, heads, window, drop_path, merge):
        super().__init__()
        still, half = (0, 0, 0), tuple(w // 2 for w in window)
        self.blocks = nn.ModuleList(
            SwinBlock(dim, heads, window, half if i % 2 else still, drop_path[i])
            for i in range(depth))
        self.downsample = PatchMerging(dim) if merge else None

    def forward(self, x):                                               # (B, C, T, H, W)
        x = x.permute(0, 2, 3, 4, 1).contiguous()
        for block in self.blocks:
            x = block(x)
        if self.downsample is not None:
            x = self.downsample(x)
        return x.permute(0, 4, 1, 2, 3).contiguous()


class PatchEmbed(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Conv3d(3, dim, kernel_size=(2, 4, 4), stride=(1, 4, 4))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):                                               # (B, 3, T, H, W)
        H, W = x.shape[3:]
        x = self.proj(F.pad(x, (0, -W % 4, 0, -H % 4, 0, 1)))           # (B, C, T, H/4, W/4)
        shape = x.shape
        x = self.norm(x.flatten(2).transpose(1, 2))
        return x.transpose(1, 2).reshape(shape)


class VideoSwin(nn.Module):
    def __init__(self, config):
        super().__init__()
        dim, depths = config["embed_dim"], config["depths"]
        rate = torch.linspace(0, config.get("drop_path", 0.2), sum(depths), device="cpu").tolist()
        self.patch_embed = PatchEmbed(dim)
        self.layers = nn.ModuleList()
        for i, depth in enumerate(depths):
            first = sum(depths[:i])
            self.layers.append(SwinStage(dim << i, depth, config["heads"][i],
                                         tuple(config["window"]), rate[first:first + depth],
                                         merge=i + 1 < len(depths)))
        self.norm = nn.LayerNorm(dim << (len(depths) - 1))

    def forward(self, x):                                               # (B, 3, T, H, W)
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x.permute(0, 2, 3, 4, 1))
        return x.permute(0, 4, 1, 2, 3)                                 # (B, D, T, h, w)


class ImageEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        D = config["hidden"]
        self.swin = VideoSwin(config)
        self.emb_cls = nn.Parameter(torch.zeros(1, 1, 1, D))
        self.emb_pos = nn.Parameter(torch.zeros(1, 1, 1 + 14 * 14, D))
        self.emb_len = nn.Parameter(torch.zeros(1, 6, 1, D))
        self.norm = nn.LayerNorm(D)
        mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        self.register_buffer("mean", torch.tensor(mean).view(1, 1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 1, 3, 1, 1),
                             persistent=False)

    def forward(self, image):                                           # (B, T, 3, H, W) in [0,1]
        B, T = image.shape[:2]
        x = (image - self.mean) / self.deviation
        x = self.swin(x.transpose(1, 2)).permute(0, 2, 3, 4, 1)         # (B, T, h, w, D)
        x = x.reshape(B, T, -1, x.shape[-1])
        x = torch.cat([self.emb_cls.expand(B, T, -1, -1), x], dim=2)
        x = x + self.emb_pos[:, :, :x.shape[2]] + self.emb_len[:, :T]
        return self.norm(x).view(B, -1, x.shape[-1])                    # (B, N, D)


# ---- language embedder and cross-modal transformer: BERT ----------------------------------------

class TextEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        D = config["hidden"]
        self.word_embeddings = nn.Embedding(config["size_vocab"], D, padding_idx=PAD)
        self.position_embeddings = nn.Embedding(512, D)
        self.token_type_embeddings = nn.Embedding(2, D)
        self.LayerNorm = nn.LayerNorm(D, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, text):                                            # (B, X) -> (B, X, D)
        at = torch.arange(text.shape[1]).unsqueeze(0)
        x = self.word_embeddings(text) + self.token_type_embeddings(torch.zeros_like(text))
        return self.dropout(self.LayerNorm(x + self.position_embeddings(at)))


class TextEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.emb_txt = TextEmbeddings(config)

    def forward(self, text):
        return self.emb_txt(text)


class SelfAttention(nn.Module):
    def __init__(self, D, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(D, D) for _ in range(3))
        self.dropout = nn.Dropout(0.1)

    def split(self, x):
        return x.view(*x.shape[:2], self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x, mask):                                         # (B, S, D), (B, 1, 1, S)
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        score = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        weight = self.dropout(F.softmax(score + mask, dim=-1))          # (B, heads, S, S)
        y = torch.matmul(weight, v).permute(0, 2, 1, 3).contiguous()
        return y.view(x.shape), weight


class AddAndNorm(nn.Module):
    def __init__(self, size, D):
        super().__init__()
        self.dense = nn.Linear(size, D)
        self.LayerNorm = nn.LayerNorm(D, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, residual):
        return self.LayerNorm(self.dropout(self.dense(x)) + residual)


class Attention(nn.Module):
    def __init__(self, D, heads):
        super().__init__()
        self.self = SelfAttention(D, heads)
        self.output = AddAndNorm(D, D)

    def forward(self, x, mask):
        y, weight = self.self(x, mask)
        return self.output(y, x), weight


class DenseGelu(nn.Module):
    def __init__(self, D, size, norm):
        super().__init__()
        self.dense = nn.Linear(D, size)
        self.LayerNorm = nn.LayerNorm(size, eps=1e-12) if norm else None

    def forward(self, x):
        x = F.gelu(self.dense(x))
        return x if self.LayerNorm is None else self.LayerNorm(x)


class CrossLayer(nn.Module):
    def __init__(self, D, heads, size):
        super().__init__()
        self.attention = Attention(D, heads)
        self.intermediate = DenseGelu(D, size, norm=False)
        self.output = AddAndNorm(size, D)

    def forward(self, x, mask):
        x, weight = self.attention(x, mask)
        return self.output(self.intermediate(x), x), weight


class CrossEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList(
            CrossLayer(config["hidden"], config["ct_heads"], config["ct_mlp"])
            for _ in range(config["ct_layers"]))

    def forward(self, x, mask):
        weights = []
        for layer in self.layer:
            x, weight = layer(x, mask)
            weights.append(weight)
        return x, weights


class Predictions(nn.Module):
    """BERT's masked-language head; its decoder has a weight and this module its bias."""
    def __init__(self, D, vocab):
        super().__init__()
        self.transform = DenseGelu(D, D, norm=True)
        self.decoder = nn.Linear(D, vocab, bias=False)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, x):
        return F.linear(self.transform(x), self.decoder.weight, self.bias)


class MaskedLanguageHead(nn.Module):
    def __init__(self, D, vocab):
        super().__init__()
        self.predictions = Predictions(D, vocab)

    def forward(self, x):
        return self.predictions(x)


def classifier(D, size):
    return nn.Sequential(nn.Dropout(0.1), nn.Linear(D, 2 * D), nn.ReLU(), nn.Linear(2 * D, size))


# ---- the whole ---------------------------------------------------------------------------------

class Violet(nn.Module):
    def __init__(self, config, pretraining=True):
        super().__init__()
        D = config["hidden"]
        self.config = config
        self.enc_img = ImageEncoder(config)
        self.enc_txt = TextEncoder(config)
        self.trsfr = CrossEncoder(config)
        self.fc = classifier(D, 1)
        if pretraining:
            self.fc_mtm = MaskedLanguageHead(D, config["size_vocab"])
            self.fc_mvm = classifier(D, config["size_code"])

    def features(self, image, text):
        return self.enc_img(image), self.enc_txt(text)

    def cross(self, feature_image, feature_text, text_mask):
        """-> (B, S, D), and every layer's attention, as with output_attentions"""
        seen = torch.ones(feature_image.shape[:2], dtype=text_mask.dtype)
        mask = torch.cat([seen, text_mask], dim=1)[:, None, None, :].to(feature_image.dtype)
        x = torch.cat([feature_image, feature_text], dim=1)
        return self.trsfr(x, (1.0 - mask) * HIDDEN_KEY)

    def match(self, feature_image, feature_text, text_mask, pairs):
        """Scores of (video, text) pairs, each encoded on its own: (len(pairs),)"""
        image = torch.stack([feature_image[b] for b, _ in pairs])
        text = torch.stack([feature_text[c] for _, c in pairs])
        mask = torch.stack([text_mask[c] for _, c in pairs])
        x, _ = self.cross(image, text, mask)
        return self.fc(x[:, image.shape[1]]).squeeze(-1)

    def attended_weight(self, image, text, text_mask):
        """Attention received: mean over heads, sum over layers and queries: (B, S)"""
        _, weights = self.cross(*self.features(image, text), text_mask)
        return torch.stack([w.mean(dim=1) for w in weights], dim=1).sum(dim=1).sum(dim=1)

    def pretrain_logits(self, masked):
        """The masked pass and the VTM pass: {mtm, mvm, vtm}"""
        image, text = self.features(masked["image"], masked["text"])
        B, N = image.shape[:2]
        x, _ = self.cross(image, text, masked["text_mask"])
        candidates = torch.cat([torch.arange(B).unsqueeze(1), masked["negative"]], dim=1).tolist()
        pairs = [(b, c) for b in range(B) for c in candidates[b]]
        score = self.match(image, text, masked["text_mask"], pairs)
        return dict(mtm=self.fc_mtm(x[:, N:]), mvm=self.fc_mvm(x[:, :N]),
                    vtm=score.view(B, -1) / VTM_TEMPERATURE)


def cross_entropy(logit, answer):
    """-1 is ignored; nothing but -1 costs nothing (the published code divides 0 by 0 there)."""
    if not bool((answer >= 0).any()):
        return logit.sum() * 0.0
    return F.cross_entropy(logit.flatten(0, -2), answer.flatten(), ignore_index=-1)


def pretrain_losses(logits, masked):
    vtm = torch.zeros(logits["vtm"].shape[0], dtype=torch.long)
    return dict(mtm=cross_entropy(logits["mtm"], masked["answer_mtm"]),
                mvm=cross_entropy(logits["mvm"], masked["answer_mvm"]),
                vtm=cross_entropy(logits["vtm"], vtm))


# ---- masking and the pretraining step ------------------------------------------------------------

def hide_blocks(word, grid):
    """Blockwise: each ordinary word with probability 0.15, and the union of T blocks of patches."""
    T, h, w = grid
    def extent(limit):
        return int(torch.randint(1, max(2, limit), (1,)))
    patch = torch.zeros(grid, dtype=torch.bool)
    for _ in range(T):
        size = [extent(T), extent(2 * h // 3), extent(2 * w // 3)]
        at = [int(torch.randint(0, g - s + 1, (1,))) for g, s in zip(grid, size)]
        patch[tuple(slice(a, a + s) for a, s in zip(at, size))] = True
    return patch, word & (torch.rand(word.shape) < 0.15)


def hide_attended(word, grid, weight):
    """Attended: 0.15 S positions of both modalities, drawn by the attention they received."""
    T, h, w = grid
    N = T * (1 + h * w)
    usual = torch.cat([torch.ones(T, 1 + h * w, dtype=torch.bool).flatten(), word])
    usual[:N].view(T, -1)[:, 0] = False
    weight = weight.masked_fill(~usual, 0.0)
    count = min(int(0.15 * weight.numel()), int((weight > 0).sum()))
    hidden = torch.zeros_like(usual)
    hidden[torch.multinomial(weight, count)] = True
    return hidden[:N].view(T, -1)[:, 1:].reshape(grid), hidden[N:]


def draw_masks(batch, weight):
    """Hides words and patches of every sample and draws the texts that do not belong to it."""
    image, text = batch["image"].clone(), batch["text"].clone()
    B, T, _, H, W = image.shape
    grid = (T, H // PATCH, W // PATCH)
    answer_mtm = torch.full_like(text, -1)
    answer_mvm = torch.full_like(batch["vq"], -1)
    negative = []
    for b in range(B):
        word = (text[b] != CLS) & (text[b] != SEP) & (text[b] != PAD)
        patch, hidden = (hide_blocks(word, grid) if torch.rand(()) < 0.5
                         else hide_attended(word, grid, weight[b]))
        answer_mtm[b, hidden] = text[b, hidden]
        text[b, hidden] = MASK
        token = torch.cat([torch.zeros(T, 1, dtype=torch.bool), patch.flatten(1)], 1).flatten()
        answer_mvm[b, token] = batch["vq"][b, token]
        cover = patch.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)
        image[b] = image[b] * (~cover).unsqueeze(1)
        others = [c for c in range(B) if c != b]
        negative.append([others[i] for i in torch.randperm(B - 1)[:min(B, 4) - 1]])
    return dict(image=image, text=text, text_mask=batch["text_mask"], answer_mtm=answer_mtm,
                answer_mvm=answer_mvm, negative=torch.tensor(negative, dtype=torch.long).view(B, -1))


def optimiser(model, lr=2e-5, fused=False):
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=1e-3,
                             fused=fused or None)


class PretrainStep:
    """The published step. `seconds` holds the parts of the latest one."""
    def __init__(self, model, lr=2e-5, fused=False):
        self.model = model
        self.optimiser = optimiser(model, lr, fused)
        self.seconds = {}

    def __call__(self, batch):
        """batch: image (B,T,3,H,W) in [0,1], text and text_mask (B,X), vq (B,N)"""
        clock = [time.perf_counter()]
        self.model.train()
        self.optimiser.zero_grad()
        weight = self.model.attended_weight(batch["image"], batch["text"], batch["text_mask"])
        clock.append(time.perf_counter())
        masked = draw_masks(batch, weight.detach())
        del weight                              # and with it the graph that nothing uses
        losses = pretrain_losses(self.model.pretrain_logits(masked), masked)
        loss = sum(losses.values())
        clock.append(time.perf_counter())
        loss.backward()
        clock.append(time.perf_counter())
        self.optimiser.step()
        clock.append(time.perf_counter())
        names = ("attended", "forward", "backward", "update")
        self.seconds = {n: b - a for n, a, b in zip(names, clock, clock[1:])}
        return dict({k: v.item() for k, v in losses.items()}, sum=loss.item())


# ---- the golden values' initialiser --------------------------------------------------------------

def hash_stream(name, seed, first, count):
    """splitmix64's outputs first+1 .. first+count from the state FNV-1a(name) + seed"""
    h = 0xcbf29ce484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001b3 % 2**64
    z = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64((h + seed) % 2**64)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def hash_range(name, shape):
    """(a, b) of the values a + b u, u in [-1, 1)"""
    if re.search(r"(^|\.)(norm\d?|layernorm)\.weight$", name, re.IGNORECASE):
        return 1.0, 0.1
    if name.endswith(("bias", ".b")):
        return 0.0, 0.1
    if ("relative_position_bias_table" in name or "embeddings" in name
            or "emb" in name.rsplit(".", 1)[-1].lower()):
        return 0.0, 0.5
    return 0.0, math.sqrt(3.0 / math.prod(shape[1:]))


def hash_initialise(model, seed, chunk=1 << 18):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            a, b = hash_range(name, parameter.shape)
            flat = parameter.view(-1).numpy()
            for i in range(0, flat.size, chunk):
                z = hash_stream(name, seed, i, min(chunk, flat.size - i))
                flat[i:i + chunk] = a + b * ((z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0)
    return model


def hash_batch(config, batch, frames, size_img, size_txt, seed=0):
    """A made batch: pictures of noise, captions that fill half of their positions."""
    B, T, X, side = batch, frames, size_txt, size_img // PATCH
    def draw(name, shape, least, limit):
        z = hash_stream(name, seed, 0, math.prod(shape)) >> np.uint64(16)
        return torch.from_numpy((least + z % np.uint64(limit - least)).astype(np.int64)).view(shape)
    text = torch.zeros(B, X, dtype=torch.long)
    words = max(1, X // 2 - 2)
    text[:, 0] = CLS
    text[:, 1:1 + words] = draw("bench.text", (B, words), 104, config["size_vocab"])
    text[:, 1 + words] = SEP
    vq = draw("bench.vq", (B, T, 1 + side * side), 0, config["size_code"])
    vq[:, :, 0] = -1
    image = draw("bench.image", (B, T, 3, size_img, size_img), 0, 256)
    return dict(image=image.float() / 255.0, text=text, text_mask=(text != PAD).long(),
                vq=vq.flatten(1))


def masks_by_rule(batch, seed=0):
    """A masked batch without chance: 15 % of the words and 30 % of the patches by hash streams; a
    video's negatives are the next texts of the batch."""
    image, text, vq = batch["image"].clone(), batch["text"].clone(), batch["vq"]
    B, T, _, H, W = image.shape
    grid = (B, T, H // PATCH, W // PATCH)
    def draw(name, shape, limit):
        z = hash_stream(name, seed, 0, math.prod(shape)) >> np.uint64(16)
        return torch.from_numpy((z % np.uint64(100)).astype(np.int64)).view(shape) < limit
    word = draw("bench.hide_word", text.shape, 15) & (text > MASK)
    patch = draw("bench.hide_patch", grid, 30)
    token = torch.cat([torch.zeros(B, T, 1, dtype=torch.bool), patch.flatten(2)], 2).flatten(1)
    cover = patch.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3).unsqueeze(2)
    return dict(image=image * ~cover, text=text.masked_fill(word, MASK),
                text_mask=batch["text_mask"], answer_mtm=text.masked_fill(~word, -1),
                answer_mvm=vq.masked_fill(~token, -1),
                negative=torch.tensor([[(b + 1 + k) % B for k in range(min(B, 4) - 1)]
                                       for b in range(B)], dtype=torch.long).view(B, -1))
