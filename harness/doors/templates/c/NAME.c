/* A transposed convolution and its gradient in C, written to be read; deconform.h says what the
 * arguments are.  Put your own in its place, and keep what refuses. */
#include "deconform.h"

#include <stddef.h>
#include <string.h>

static const char *message;

static int refuse(const char *reason)
{
    message = reason;
    return DECONFORM_UNSUPPORTED;
}

const char *deconform_message(void)
{
    return message;
}

static int check(const deconform_problem *p)
{
    message = NULL;
    if (p->size < (int64_t)sizeof *p)
        return refuse("deconform is older than the deconform.h of this library");
    if (p->groups < 1 || p->in_channels % p->groups || p->out_channels % p->groups)
        return refuse("groups must be positive and divide both numbers of channels");
    for (int axis = 0; axis < 3; axis++) {
        if (p->kernel[axis] < 1 || p->stride[axis] < 1 || p->dilation[axis] < 1)
            return refuse("kernel, stride and dilation must be at least 1");
        if (p->out_size[axis] < 0)
            return refuse("the crop removes more than there is");
    }
    if (p->dtype != DECONFORM_FLOAT32 && p->dtype != DECONFORM_FLOAT64)
        return refuse("only float32 and float64 are implemented");
    return DECONFORM_OK;
}

/* Arrays of either dtype. */
struct arrays {
    int64_t dtype;
    const void *x, *w, *dy;
    void *y, *dx, *dw, *db;
};

static double get(const struct arrays *a, const void *array, int64_t i)
{
    return a->dtype == DECONFORM_FLOAT32 ? ((const float *)array)[i] : ((const double *)array)[i];
}

static void set(const struct arrays *a, void *array, int64_t i, double value)
{
    if (a->dtype == DECONFORM_FLOAT32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

static void add(const struct arrays *a, void *array, int64_t i, double value)
{
    set(a, array, i, get(a, array, i) + value);
}

/* What to do with one element of x, the tap of w that it meets, and the element of y it goes to. */
typedef void visitor(const struct arrays *a, int64_t x, int64_t w, int64_t y);

static void add_to_y(const struct arrays *a, int64_t x, int64_t w, int64_t y)
{
    add(a, a->y, y, get(a, a->x, x) * get(a, a->w, w));
}

static void add_to_gradients(const struct arrays *a, int64_t x, int64_t w, int64_t y)
{
    add(a, a->dx, x, get(a, a->dy, y) * get(a, a->w, w));
    add(a, a->dw, w, get(a, a->dy, y) * get(a, a->x, x));
}

/* Along one axis: where a tap of an input element goes, or -1. */
static int64_t target(const deconform_problem *p, int axis, int64_t i, int64_t k)
{
    int64_t o = i * p->stride[axis] + k * p->dilation[axis] - p->crop_begin[axis];
    return o < p->out_size[axis] ? o : -1;
}

/* The definition: visit every input element with every tap of each of its output channels. */
static void scatter(const deconform_problem *p, const struct arrays *a, visitor *visit)
{
    const int64_t *in = p->in_size, *out = p->out_size, *kernel = p->kernel;
    const int64_t in_per_group = p->in_channels / p->groups;
    const int64_t out_per_group = p->out_channels / p->groups;
    int64_t x = 0; /* in the order of memory */
    for (int64_t n = 0; n < p->batch; n++)
    for (int64_t c = 0; c < p->in_channels; c++)
    for (int64_t i0 = 0; i0 < in[0]; i0++)
    for (int64_t i1 = 0; i1 < in[1]; i1++)
    for (int64_t i2 = 0; i2 < in[2]; i2++, x++) {
        const int64_t first = n * p->out_channels + c / in_per_group * out_per_group;
        int64_t w = c * out_per_group * kernel[0] * kernel[1] * kernel[2];
        for (int64_t channel = first; channel < first + out_per_group; channel++)
        for (int64_t k0 = 0; k0 < kernel[0]; k0++) {
            const int64_t o0 = target(p, 0, i0, k0);
            for (int64_t k1 = 0; k1 < kernel[1]; k1++) {
                const int64_t o1 = target(p, 1, i1, k1);
                const int64_t row = ((channel * out[0] + o0) * out[1] + o1) * out[2];
                for (int64_t k2 = 0; k2 < kernel[2]; k2++, w++) {
                    const int64_t o2 = target(p, 2, i2, k2);
                    if (o0 >= 0 && o1 >= 0 && o2 >= 0)
                        visit(a, x, w, row + o2);
                }
            }
        }
    }
}

static int64_t volume(const int64_t size[3])
{
    return size[0] * size[1] * size[2];
}

int deconform_conv_transpose(const deconform_problem *p, const void *x, const void *w,
                             const void *b, void *y)
{
    const struct arrays a = {.dtype = p->dtype, .x = x, .w = w, .y = y};
    const int status = check(p);
    if (status != DECONFORM_OK)
        return status;
    for (int64_t i = 0, n = 0; n < p->batch; n++)
        for (int64_t channel = 0; channel < p->out_channels; channel++)
            for (int64_t o = 0; o < volume(p->out_size); o++, i++)
                set(&a, y, i, p->has_bias ? get(&a, b, channel) : 0);
    scatter(p, &a, add_to_y);
    return DECONFORM_OK;
}

int deconform_conv_transpose_vjp(const deconform_problem *p, const void *dy, const void *x,
                                 const void *w, void *dx, void *dw, void *db)
{
    const struct arrays a = {
        .dtype = p->dtype, .x = x, .w = w, .dy = dy, .dx = dx, .dw = dw, .db = db};
    const int status = check(p);
    if (status != DECONFORM_OK)
        return status;
    const size_t element = (size_t)p->dtype / 8;
    const size_t taps = (size_t)(p->out_channels / p->groups * volume(p->kernel));
    memset(dx, 0, element * (size_t)(p->batch * p->in_channels * volume(p->in_size)));
    memset(dw, 0, element * (size_t)p->in_channels * taps);
    scatter(p, &a, add_to_gradients);
    if (p->has_bias) {
        memset(db, 0, element * (size_t)p->out_channels);
        for (int64_t i = 0, n = 0; n < p->batch; n++)
            for (int64_t channel = 0; channel < p->out_channels; channel++)
                for (int64_t o = 0; o < volume(p->out_size); o++, i++)
                    add(&a, db, channel, get(&a, dy, i));
    }
    return DECONFORM_OK;
}
