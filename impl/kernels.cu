// Kernels of impl/cuda.py, which defines, before this text:
//   T, A                 the types of the arrays and of sums,
//   I                    the type of indices, as wide as the largest array needs,
//   K0..K2 S0..S2 D0..D2 kernel, stride and dilation on three axes (1 where there are fewer),
//   L0..L2               the distance in taps to the next tap of the same phase.
//
// Arrays are C-contiguous: x (n, groups, ins, p), y and dy (n, groups, all_outs, q),
// w (groups, ins, outs, taps), columns (groups, outs, taps, n, p).  A block takes `outs` of
// `all_outs` output channels, starting at `first`.  Positions p and q have three axes; through tap t,
// element p of x reaches element q = p * S + t * D - b of y, where b is what the crop removes in
// front.

#define TAPS (K0 * K1 * K2)
#define FOR_EACH(i, count)                                                      \
    for (I i = (I)blockIdx.x * blockDim.x + threadIdx.x; i < (count);           \
         i += (I)blockDim.x * gridDim.x)
#define FOR_EACH_TAP(t0, t1, t2)                                                \
    for (int t0 = 0; t0 < K0; ++t0)                                             \
        for (int t1 = 0; t1 < K1; ++t1)                                         \
            for (int t2 = 0; t2 < K2; ++t2)

// Splits the last index off `rest`.
static __device__ inline I last_of(I &rest, I size) {
    I index = rest % size;
    rest /= size;
    return index;
}

// Returns the first tap that can reach element `at` of the full output; `kernel` if none can.
static __device__ inline int first_tap(I at, int kernel, int stride, int dilation, int period) {
    if (at < 0) return kernel;
    for (int tap = 0; tap < period && tap < kernel; ++tap)
        if ((at - (I)tap * dilation) % stride == 0) return tap;
    return kernel;
}

// Returns the input position from which a tap reaches `at`; negative if before the input.
static __device__ inline I origin_of(I at, int tap, int stride, int dilation) {
    return (at - (I)tap * dilation) / stride;
}

// Returns the element of a channel of dy that (x0, x1, x2) reaches through a tap; 0 outside dy.
static __device__ inline A cotangent_at(
    const T *__restrict__ dy, I channel, I x0, I x1, I x2, int t0, int t1, int t2,
    I q0, I q1, I q2, I b0, I b1, I b2)
{
    const I y0 = x0 * S0 + t0 * D0 - b0, y1 = x1 * S1 + t1 * D1 - b1, y2 = x2 * S2 + t2 * D2 - b2;
    const bool inside = y0 >= 0 && y0 < q0 && y1 >= 0 && y1 < q1 && y2 >= 0 && y2 < q2;
    return inside ? A(dy[((channel * q0 + y0) * q1 + y1) * q2 + y2]) : A(0);
}

// columns -> y: adds up what reaches each element, and the bias; skips what the crop removes.
extern "C" __global__ void col2im(
    const A *__restrict__ columns, const A *__restrict__ bias, T *__restrict__ y, int has_bias,
    I n, I groups, I outs, I all_outs, I first,
    I p0, I p1, I p2, I q0, I q1, I q2, I b0, I b1, I b2)
{
    const I positions = p0 * p1 * p2;
    FOR_EACH(i, n * groups * outs * q0 * q1 * q2) {
        I rest = i;
        const I y2 = last_of(rest, q2), y1 = last_of(rest, q1), y0 = last_of(rest, q0);
        const I o = last_of(rest, outs), g = last_of(rest, groups), e = rest;
        const I channel = g * all_outs + first + o;
        const A *column = columns + ((g * outs + o) * TAPS * n + e) * positions;
        const I at0 = y0 + b0, at1 = y1 + b1, at2 = y2 + b2;
        A sum = has_bias ? bias[channel] : A(0);
        for (int t0 = first_tap(at0, K0, S0, D0, L0); t0 < K0; t0 += L0) {
            const I x0 = origin_of(at0, t0, S0, D0);
            if (x0 < 0 || x0 >= p0) continue;
            for (int t1 = first_tap(at1, K1, S1, D1, L1); t1 < K1; t1 += L1) {
                const I x1 = origin_of(at1, t1, S1, D1);
                if (x1 < 0 || x1 >= p1) continue;
                for (int t2 = first_tap(at2, K2, S2, D2, L2); t2 < K2; t2 += L2) {
                    const I x2 = origin_of(at2, t2, S2, D2);
                    if (x2 < 0 || x2 >= p2) continue;
                    const I tap = (t0 * K1 + t1) * K2 + t2;
                    sum = sum + column[tap * n * positions + (x0 * p1 + x1) * p2 + x2];
                }
            }
        }
        y[(((e * groups * all_outs + channel) * q0 + y0) * q1 + y1) * q2 + y2] = T(sum);
    }
}

// dy -> columns: the cotangent's element under each tap; 0 outside dy.
extern "C" __global__ void im2col(
    const T *__restrict__ dy, A *__restrict__ columns,
    I n, I groups, I outs, I all_outs, I first,
    I p0, I p1, I p2, I q0, I q1, I q2, I b0, I b1, I b2)
{
    FOR_EACH(i, groups * outs * TAPS * n * p0 * p1 * p2) {
        I rest = i;
        const I x2 = last_of(rest, p2), x1 = last_of(rest, p1), x0 = last_of(rest, p0);
        const I e = last_of(rest, n);
        const I t2 = last_of(rest, K2), t1 = last_of(rest, K1), t0 = last_of(rest, K0);
        const I o = last_of(rest, outs), g = rest;
        const I channel = (e * groups + g) * all_outs + first + o;
        columns[i] = cotangent_at(dy, channel, x0, x1, x2, t0, t1, t2,
                                  q0, q1, q2, b0, b1, b2);
    }
}

// x, w -> y without columns: one thread adds up everything that reaches its element.
extern "C" __global__ void direct(
    const T *__restrict__ x, const T *__restrict__ w, const A *__restrict__ bias,
    T *__restrict__ y, int has_bias, I n, I groups, I ins, I outs,
    I p0, I p1, I p2, I q0, I q1, I q2, I b0, I b1, I b2)
{
    const I positions = p0 * p1 * p2;
    FOR_EACH(i, n * groups * outs * q0 * q1 * q2) {
        I rest = i;
        const I at2 = last_of(rest, q2) + b2, at1 = last_of(rest, q1) + b1;
        const I at0 = last_of(rest, q0) + b0;
        const I o = last_of(rest, outs), g = last_of(rest, groups), e = rest;
        A sum = has_bias ? bias[g * outs + o] : A(0);
        for (int t0 = first_tap(at0, K0, S0, D0, L0); t0 < K0; t0 += L0) {
            const I x0 = origin_of(at0, t0, S0, D0);
            if (x0 < 0 || x0 >= p0) continue;
            for (int t1 = first_tap(at1, K1, S1, D1, L1); t1 < K1; t1 += L1) {
                const I x1 = origin_of(at1, t1, S1, D1);
                if (x1 < 0 || x1 >= p1) continue;
                for (int t2 = first_tap(at2, K2, S2, D2, L2); t2 < K2; t2 += L2) {
                    const I x2 = origin_of(at2, t2, S2, D2);
                    if (x2 < 0 || x2 >= p2) continue;
                    const T *from = x + (e * groups + g) * ins * positions + (x0 * p1 + x1) * p2 + x2;
                    const T *through = w + (g * ins * outs + o) * TAPS + (t0 * K1 + t1) * K2 + t2;
                    for (I c = 0; c < ins; ++c)
                        sum = sum + A(from[c * positions]) * A(through[c * outs * TAPS]);
                }
            }
        }
        y[i] = T(sum);
    }
}

// dy, w -> dx without columns.
extern "C" __global__ void direct_dx(
    const T *__restrict__ dy, const T *__restrict__ w, T *__restrict__ dx,
    I n, I groups, I ins, I outs,
    I p0, I p1, I p2, I q0, I q1, I q2, I b0, I b1, I b2)
{
    FOR_EACH(i, n * groups * ins * p0 * p1 * p2) {
        I rest = i;
        const I x2 = last_of(rest, p2), x1 = last_of(rest, p1), x0 = last_of(rest, p0);
        const I c = last_of(rest, ins), g = last_of(rest, groups), e = rest;
        A sum = A(0);
        FOR_EACH_TAP(t0, t1, t2) {
            const T *through = w + (g * ins + c) * outs * TAPS + (t0 * K1 + t1) * K2 + t2;
            for (I o = 0; o < outs; ++o)
                sum = sum + cotangent_at(dy, (e * groups + g) * outs + o, x0, x1, x2, t0, t1, t2,
                                         q0, q1, q2, b0, b1, b2) * A(through[o * TAPS]);
        }
        dx[i] = T(sum);
    }
}

// x, dy -> dw without columns: `parts` sums for each weight, each over every `parts`-th position.
extern "C" __global__ void direct_dw(
    const T *__restrict__ x, const T *__restrict__ dy, A *__restrict__ dw, I parts,
    I n, I groups, I ins, I outs,
    I p0, I p1, I p2, I q0, I q1, I q2, I b0, I b1, I b2)
{
    const I positions = p0 * p1 * p2;
    FOR_EACH(i, groups * ins * outs * TAPS * parts) {
        I rest = i;
        const I part = last_of(rest, parts);
        const I t2 = last_of(rest, K2), t1 = last_of(rest, K1), t0 = last_of(rest, K0);
        const I o = last_of(rest, outs), c = last_of(rest, ins), g = rest;
        A sum = A(0);
        for (I at = part; at < n * positions; at += parts) {
            I inner = at;
            const I x2 = last_of(inner, p2), x1 = last_of(inner, p1), x0 = last_of(inner, p0);
            const I group = inner * groups + g, position = at - inner * positions;
            sum = sum + A(x[(group * ins + c) * positions + position])
                      * cotangent_at(dy, group * outs + o, x0, x1, x2, t0, t1, t2,
                                     q0, q1, q2, b0, b1, b2);
        }
        dw[i] = sum;
    }
}
