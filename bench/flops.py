"""How much arithmetic the model is, from its sizes: 2 FLOP a multiply-add, matrix products and the
patch convolution only, backward twice the forward.

"Published" counts what the published program computes. "Useful" counts what the same losses and
gradients need (docs of the columns in bench/README.md):

    attended pass   of the samples that are masked by attention; the last layer ends at its scores
    last layer      of a pass that only text [CLS] is read from: keys and values of all tokens, the
                    rest of one; without a way back not even those
    heads           on the rows that a loss counts
    matching        the video's own pair is that of the masked pass
    pictures        get no gradient

B videos, T frames of `side` pixels, X text positions, S = T(1 + (side/32)^2) + X tokens a pair,
O = min(B, 4) texts a video in matching.
"""
import math
from dataclasses import dataclass, replace


@dataclass
class Shape:
    config: dict        # as our setup answers it
    batch: int
    frames: int = 4
    side: int = 224
    text: int = 32

    @property
    def image_tokens(self):
        return self.frames * (1 + (self.side // 32) ** 2)

    @property
    def tokens(self):
        return self.image_tokens + self.text

    @property
    def texts(self):
        return min(self.batch, 4)


def patches(shape):
    """The 2x4x4 convolution of one video: 96 inputs an output."""
    return 2 * shape.frames * (shape.side // 4) ** 2 * 96 * shape.config["embed_dim"]


def image(shape):
    """The video encoder, one video."""
    config, flops = shape.config, patches(shape)
    C, h = config["embed_dim"], shape.side // 4
    for stage, depth in enumerate(config["depths"]):
        grid = (shape.frames, h, h)
        window = [min(g, w) for g, w in zip(grid, config["window"])]
        length = math.prod(grid)
        padded = math.prod(-(-g // w) * w for g, w in zip(grid, window))
        flops += depth * (8 * padded * C * C                            # query, key, value, output
                          + 4 * padded * math.prod(window) * C          # scores, weighted values
                          + 16 * length * C * C)                        # MLP
        if stage + 1 < len(config["depths"]):
            h = -(-h // 2)
            flops += 2 * shape.frames * h * h * 4 * C * 2 * C
            C *= 2
    return flops


def cross(shape, last="all"):
    """The cross-modal encoder, one pair. last: what is wanted of the last layer: "all" tokens, one
    "row", the "score" that one row is for, without a way back, or the attention "weights". For a
    score no keys and no values are made: the query of each head meets the tokens themselves."""
    S, D, M = shape.tokens, shape.config["hidden"], shape.config["ct_mlp"]
    H = shape.config["ct_heads"]
    full = 8 * S * D * D + 4 * S * S * D + 4 * S * D * M
    end = {"all": full,
           "row": 4 * S * D * D + 4 * S * D + 4 * D * D + 4 * D * M,
           "score": 4 * S * D * H + 8 * D * D + 4 * D * M,
           "weights": 4 * S * D * D + 2 * S * S * D}[last]
    return (shape.config["ct_layers"] - 1) * full + end


def heads(shape, mtm, mvm, vtm):
    """The heads on so many rows each."""
    D = shape.config["hidden"]
    return (mtm * (2 * D * D + 2 * D * shape.config["size_vocab"])
            + mvm * (4 * D * D + 4 * D * shape.config["size_code"])
            + vtm * (4 * D * D + 4 * D))


def forward(shape):
    """(useful, published): score of each video with its own text"""
    head = heads(shape, 0, 0, 1)
    return (shape.batch * (image(shape) + cross(shape, "score") + head),
            shape.batch * (image(shape) + cross(shape) + head))


def pairs(shape, videos, lengths):
    """(useful, published) of scoring every one of so many videos with texts of these lengths, all
    encoded before; published pads the texts to shape.text. Useful: query, key and value of the
    first layer once a video and once a text; the last layer's one row."""
    D, n = shape.config["hidden"], videos * len(lengths)
    first = 6 * D * D
    useful = first * (videos * shape.image_tokens + sum(lengths))
    for length in lengths:
        one = replace(shape, text=length)
        useful += videos * (cross(one, "score") - first * one.tokens + heads(one, 0, 0, 1))
    return useful, n * (cross(shape) + heads(shape, 0, 0, 1))


def step(shape, attended, asked):
    """(useful, published): a pretraining step in which `attended` samples are masked by attention
    and the three losses count `asked` rows"""
    B, O = shape.batch, shape.texts
    once = B * (image(shape) + cross(shape)) + B * (O - 1) * cross(shape, "row")
    useful = (attended * (image(shape) + cross(shape, "weights"))
              + 3 * (once + heads(shape, asked[0], asked[1], B * O)) - B * patches(shape))
    every = heads(shape, shape.text, shape.image_tokens, O)
    published = B * (image(shape) + cross(shape)
                     + 3 * (image(shape) + (1 + O) * cross(shape) + every))
    return useful, published
