/* Made weights and inputs; see made.h. */
#include "made.h"

#include "base/status.h"

void bench_draw_weights(const vl_params *p, uint64_t seed)
{
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        golden_hash_init(vl_param_weights(p, e), e->count, e->name, e->count / (size_t)e->shape[0],
                         seed);
    }
}

bench_stream bench_stream_open(const char *name, uint64_t seed, int least, int limit)
{
    return (bench_stream){golden_hash_state(name, seed), least, limit};
}

int bench_draw(bench_stream *s)
{
    return s->least + (int)((golden_hash_next(&s->state) >> 16) % (uint64_t)(s->limit - s->least));
}

violet_status bench_read_config(vl_config *c, const json_t *preset)
{
    if (preset && !json_is_object(preset) && !json_is_string(preset))
        return vl_err(VIOLET_EINVAL, "preset is a name or an object");
    if (json_is_object(preset)) {
        violet_status status = vl_config_preset(c, "violet1");
        return status == VIOLET_OK ? vl_config_load(c, preset, NULL) : status;
    }
    return vl_config_preset(c, preset ? json_string_value(preset) : "violet1");
}
