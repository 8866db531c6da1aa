/* violet plan: what a run will need. */
#include <stdio.h>

#include "cli.h"

static void print_work(const violet_plan_report *r)
{
    printf("parameters          %8.1f M\n", 1e-6 * (double)r->n_parameters);
    printf("  video encoder     %8.1f M\n", 1e-6 * (double)r->n_video);
    printf("  embeddings        %8.1f M\n", 1e-6 * (double)r->n_embeddings);
    printf("  encoder           %8.1f M\n", 1e-6 * (double)r->n_encoder);
    printf("  heads             %8.1f M\n\n", 1e-6 * (double)r->n_heads);
    printf("forward, a video    %8.1f GFLOP\n", 1e-9 * r->forward_flops);
    printf("  video encoder     %8.1f GFLOP\n", 1e-9 * r->forward_video_flops);
    printf("  encoder           %8.1f GFLOP\n", 1e-9 * r->forward_encoder_flops);
    printf("  in attention      %8.1f GFLOP\n", 1e-9 * r->forward_attention_flops);
    printf("  activations       %8.1f MB\n\n", 1e-6 * (double)r->forward_bytes);
    printf("update              %8.1f GFLOP\n", 1e-9 * r->step_flops);
    if (r->token_flops > 0) printf("  visual tokens     %8.1f GFLOP\n", 1e-9 * r->token_flops);
    if (r->attended_flops > 0)
        printf("  attended pass     %8.1f GFLOP\n", 1e-9 * r->attended_flops);
    printf("  forward           %8.1f GFLOP  (%d text%s a video", 1e-9 * r->step_forward_flops,
           r->text_passes, r->text_passes == 1 ? "" : "s");
    if (r->hidden_patches > 0) /* pretraining */
        printf("; %.1f words, %.1f patches hidden", r->hidden_words, r->hidden_patches);
    printf(")\n");
    printf("  backward          %8.1f GFLOP\n", 1e-9 * r->backward_flops);
    if (r->recomputed_flops > 0)
        printf("  computed again    %8.1f GFLOP\n", 1e-9 * r->recomputed_flops);
    printf("  in attention      %8.1f GFLOP\n", 1e-9 * r->step_attention_flops);
    printf("  operands          %8.1f GB\n\n", 1e-9 * r->step_traffic_bytes);
}

static void print_memory(const violet_plan_report *r)
{
    const struct {
        const char *name;
        unsigned long long bytes;
    } rows[] = {
        {"weights", r->weight_bytes},
        {"gradients", r->gradient_bytes},
        {"moments", r->moment_bytes},
        {"dVAE", r->dvae_bytes},
        {"activations", r->activation_bytes},
        {"their gradients", r->activation_gradient_bytes},
        {"tables", r->table_bytes},
        {"loader", r->loader_bytes},
        {"validation", r->validation_bytes},
    };
    printf("memory              %8.3f GB%s\n", 1e-9 * (double)r->total_bytes,
           r->extrapolated ? "  (from smaller batches)" : "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-17s %8.3f GB\n", rows[i].name, 1e-9 * (double)rows[i].bytes);
    if (r->peak_flops <= 0) return;
    printf("\ntime of an update   %8.2f s at %.1f GFLOP/s\n", r->step_seconds,
           1e-9 * r->peak_flops);
    printf("  samples/s         %8.3f\n", r->samples_per_s);
}

static void print_json(const violet_plan_report *r)
{
    printf("{\n");
#define COUNT(f) printf("  \"%s\": %llu,\n", #f, r->f)
#define NUMBER(f) printf("  \"%s\": %.12g,\n", #f, r->f)
    COUNT(n_parameters), COUNT(n_video), COUNT(n_embeddings), COUNT(n_encoder), COUNT(n_heads);
    NUMBER(forward_flops), NUMBER(forward_video_flops), NUMBER(forward_encoder_flops);
    NUMBER(forward_attention_flops);
    NUMBER(step_flops), NUMBER(token_flops);
    NUMBER(attended_flops), NUMBER(step_forward_flops), NUMBER(backward_flops);
    NUMBER(recomputed_flops), NUMBER(step_attention_flops), NUMBER(step_traffic_bytes);
    NUMBER(hidden_words), NUMBER(hidden_patches);
    printf("  \"text_passes\": %d,\n", r->text_passes);
    COUNT(weight_bytes), COUNT(gradient_bytes), COUNT(moment_bytes), COUNT(dvae_bytes);
    COUNT(activation_bytes), COUNT(activation_gradient_bytes), COUNT(table_bytes),
    COUNT(loader_bytes), COUNT(validation_bytes), COUNT(total_bytes);
    COUNT(forward_bytes);
    printf("  \"extrapolated\": %s,\n", r->extrapolated ? "true" : "false");
    NUMBER(peak_flops), NUMBER(step_seconds);
    printf("  \"samples_per_s\": %.12g\n}\n", r->samples_per_s);
#undef COUNT
#undef NUMBER
}

int cmd_plan(int argc, char **argv)
{
    int status = 0;
    violet_options *o = read_options(&status, "plan", argc, argv);
    if (!o) return status;
    violet_plan_report r;
    int json = is_set(o, "json");
    if (only_checking()) {
        status = EXIT_CHECKED;
    } else if (violet_plan(&r, o) != VIOLET_OK) {
        status = complain(EXIT_RUNTIME, "%s", violet_error());
    } else if (json) {
        print_json(&r);
    } else {
        print_work(&r);
        print_memory(&r);
    }
    violet_options_free(o);
    return status;
}
