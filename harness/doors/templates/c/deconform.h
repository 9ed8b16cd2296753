/* deconform.h: how deconform calls a transposed convolution in a shared library.  C99 and C++.
 *
 * Export deconform_conv_transpose from a shared library, name it in a file,
 *
 *     name: mine
 *     library: ./libmine.so
 *
 * and "deconform run -f mine.yaml" calls it for every case of the suite.  The gradient is optional
 * ("gradient: deconform_conv_transpose_vjp"), and so is deconform_message.
 *
 * The operator, for each spatial axis, adds every input element times every tap into
 *
 *     output index = input index * stride + tap index * dilation - crop_begin
 *
 * where that lies in [0, out_size); then each output channel gets its bias, also where nothing was
 * added.  A negative crop extends the output.  deconform gives you the size that follows:
 *
 *     out_size = (in_size - 1) * stride + dilation * (kernel - 1) + 1 - crop_begin - crop_end
 *
 * Arrays are dense, in C order (the last index varies fastest), aligned to 64 bytes, and all of
 * them of problem->dtype:
 *
 *     x, dx   [batch][in_channels][in_size...]
 *     w, dw   [in_channels][out_channels / groups][kernel...]
 *     b, db   [out_channels], or NULL where has_bias is 0
 *     y, dy   [batch][out_channels][out_size...]
 *
 * With groups, input channel i contributes to the output channels of its own group only: those from
 * i / (in_channels / groups) * (out_channels / groups) on, out_channels / groups of them.
 *
 * Write every element of the outputs: they hold NaNs when you are called.  Write nothing else.
 */
#ifndef DECONFORM_H
#define DECONFORM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DECONFORM_VERSION 1

enum deconform_dtype { /* IEEE 754, by its bits */
    DECONFORM_FLOAT16 = 16,
    DECONFORM_FLOAT32 = 32,
    DECONFORM_FLOAT64 = 64,
    DECONFORM_BFLOAT16 = 116 /* the upper 16 bits of a float32; only where the file claims it */
};

enum deconform_status {
    DECONFORM_OK = 0,
    DECONFORM_UNSUPPORTED = 1 /* refused: illegal, or nothing that this library computes */
    /* Any other value is an error, and reported with its number. */
};

/* The axes from `rank` on have size, kernel, stride and dilation 1 and crop 0, so that loops over
 * three axes compute every rank. */
typedef struct deconform_problem {
    int64_t size;    /* sizeof(deconform_problem) of the caller: fields may be added at the end */
    int64_t version; /* DECONFORM_VERSION of the caller */
    int64_t rank;    /* spatial axes: 1, 2 or 3 */
    int64_t dtype;   /* of every array: an enum deconform_dtype */
    int64_t batch;
    int64_t in_channels;
    int64_t out_channels;
    int64_t groups;
    int64_t has_bias; /* 1 or 0 */
    int64_t in_size[3];
    int64_t out_size[3];
    int64_t kernel[3];
    int64_t stride[3];
    int64_t dilation[3];
    int64_t crop_begin[3];
    int64_t crop_end[3];
} deconform_problem;

/* Compute y.  Some cases of the suite are illegal (stride 0, a negative size, ...): refuse them. */
int deconform_conv_transpose(const deconform_problem *problem, const void *x, const void *w,
                             const void *b, void *y);

/* Optional: given the gradient dy of y, compute the gradients of x, w and b. */
int deconform_conv_transpose_vjp(const deconform_problem *problem, const void *dy, const void *x,
                                 const void *w, void *dx, void *dw, void *db);

/* Optional: why the last call returned anything but DECONFORM_OK, or NULL. */
const char *deconform_message(void);

#ifdef __cplusplus
}
#endif

#endif
