#include "COneDNN.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR != 2
#error "written for oneDNN 2 (Debian 12); version 3 makes primitives in another way"
#endif

struct PeerConvolution {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, weights, bias, y, result;
    dnnl_exec_arg_t arguments[4];
    char name[64];
};

static dnnl_memory_desc_t describe(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    dnnl_memory_desc_t d;
    dnnl_memory_desc_init_by_tag(&d, rank, dims, dnnl_f32, tag);
    return d;
}

static void reorder(PeerConvolution *p, dnnl_memory_t from, dnnl_memory_t to) {
    const dnnl_memory_desc_t *a, *b;
    dnnl_memory_get_memory_desc(from, &a);
    dnnl_memory_get_memory_desc(to, &b);
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_reorder_primitive_desc_create(&description, a, p->engine, b, p->engine, nullptr);
    dnnl_primitive_create(&primitive, description);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_primitive_execute(primitive, p->stream, 2, arguments);
    dnnl_stream_wait(p->stream);
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(description);
}

PeerConvolution *peer_convolution_create(long n, long h, long w, long c, long o, const float *x, const float *weights,
                                         const float *bias) {
    auto *p = static_cast<PeerConvolution *>(calloc(1, sizeof(PeerConvolution)));
    dnnl_engine_create(&p->engine, dnnl_cpu, 0);
    dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags);
    const dnnl_dims_t source = {n, c, h, w}, kernel = {o, c, 3, 3}, result = {n, o, h, w}, columns = {o};
    const dnnl_dims_t ones = {1, 1};
    const dnnl_memory_desc_t any_source = describe(4, source, dnnl_format_tag_any);
    const dnnl_memory_desc_t any_kernel = describe(4, kernel, dnnl_format_tag_any);
    const dnnl_memory_desc_t any_result = describe(4, result, dnnl_format_tag_any);
    const dnnl_memory_desc_t bias_description = describe(1, columns, dnnl_x);
    dnnl_convolution_desc_t convolution;
    dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_inference, dnnl_convolution_direct, &any_source, &any_kernel,
                                       &bias_description, &any_result, ones, ones, ones);
    dnnl_primitive_desc_t description;
    if (dnnl_primitive_desc_create(&description, &convolution, nullptr, p->engine, nullptr) != dnnl_success) {
        free(p);
        return nullptr;
    }
    const char *name = nullptr;
    dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
    strncpy(p->name, name ? name : "?", sizeof p->name - 1);
    auto query = [&](dnnl_query_t what) { return dnnl_primitive_desc_query_md(description, what, 0); };
    dnnl_memory_create(&p->x, query(dnnl_query_src_md), p->engine, DNNL_MEMORY_ALLOCATE);
    dnnl_memory_create(&p->weights, query(dnnl_query_weights_md), p->engine, DNNL_MEMORY_ALLOCATE);
    dnnl_memory_create(&p->y, query(dnnl_query_dst_md), p->engine, DNNL_MEMORY_ALLOCATE);
    dnnl_memory_create(&p->bias, &bias_description, p->engine, DNNL_MEMORY_ALLOCATE);
    const dnnl_memory_desc_t rows = describe(4, source, dnnl_nhwc), filters = describe(4, kernel, dnnl_oihw);
    const dnnl_memory_desc_t result_rows = describe(4, result, dnnl_nhwc);
    dnnl_memory_t given;
    dnnl_memory_create(&given, &rows, p->engine, const_cast<float *>(x));
    reorder(p, given, p->x);
    dnnl_memory_destroy(given);
    dnnl_memory_create(&given, &filters, p->engine, const_cast<float *>(weights));
    reorder(p, given, p->weights);
    dnnl_memory_destroy(given);
    dnnl_memory_create(&given, &bias_description, p->engine, const_cast<float *>(bias));
    reorder(p, given, p->bias);
    dnnl_memory_destroy(given);
    dnnl_memory_create(&p->result, &result_rows, p->engine, DNNL_MEMORY_ALLOCATE);
    dnnl_primitive_create(&p->primitive, description);
    dnnl_primitive_desc_destroy(description);
    p->arguments[0] = {DNNL_ARG_SRC, p->x};
    p->arguments[1] = {DNNL_ARG_WEIGHTS, p->weights};
    p->arguments[2] = {DNNL_ARG_BIAS, p->bias};
    p->arguments[3] = {DNNL_ARG_DST, p->y};
    return p;
}

void peer_convolution_run(PeerConvolution *p) {
    dnnl_primitive_execute(p->primitive, p->stream, 4, p->arguments);
    dnnl_stream_wait(p->stream);
}

void peer_convolution_result(PeerConvolution *p, float *y) {
    reorder(p, p->y, p->result);
    const dnnl_memory_desc_t *description;
    dnnl_memory_get_memory_desc(p->result, &description);
    void *data;
    dnnl_memory_get_data_handle(p->result, &data);
    memcpy(y, data, dnnl_memory_desc_get_size(description));
}

const void *peer_convolution_weights(PeerConvolution *p, size_t *bytes) {
    const dnnl_memory_desc_t *description;
    dnnl_memory_get_memory_desc(p->weights, &description);
    *bytes = dnnl_memory_desc_get_size(description);
    void *data;
    dnnl_memory_get_data_handle(p->weights, &data);
    return data;
}

void peer_convolution_destroy(PeerConvolution *p) {
    dnnl_primitive_destroy(p->primitive);
    const dnnl_memory_t memories[] = {p->x, p->weights, p->bias, p->y, p->result};
    for (dnnl_memory_t memory : memories) dnnl_memory_destroy(memory);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p);
}

const char *peer_convolution_name(PeerConvolution *p) { return p->name; }

void peer_set_threads(int threads) {
    // Whichever OpenMP runtime oneDNN was built with.
    auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    if (set) set(threads);
}
