/* A transposed convolution in C, without libraries, as a program that deconform can test:
   docs/protocol.md.  Build it by: cc -O2 -o worker worker.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define EACH(i, end) for (long i = 0; i < (end); i++)
enum { X, W, B, DY, Y, DX, DW, DB, ARRAYS };
static const char *NAMES[] = {"x", "w", "b", "dy", "y", "dx", "dw", "db"};
typedef struct { long rank, shape[8], size; float *values; } array;
static array all[ARRAYS]; /* What is not there has the size -1. */

/* Read the integers of a JSON value, those of nested lists too; return how many. */
static long numbers(const char *line, const char *key, long *out) {
    long count = 0;
    for (const char *at = strstr(line, key) + strlen(key); *at && strchr("[], :-0123456789", *at);)
        if (strchr("[], :", *at)) at++;
        else if (count < 8) out[count++] = strtol(at, (char **)&at, 10);
        else return 8;
    return count;
}
static void make(array *it, long rank, const long *shape) {
    it->rank = rank, it->size = 1;
    EACH(axis, 8) it->size *= it->shape[axis] = axis < rank ? shape[axis] : 1;
    free(it->values), it->values = calloc(it->size + 1, sizeof(float));
}
/* Read the arrays that a line lists; return whether this program can use them. */
static int read_arrays(const char *line) {
    int is_usable = 1;
    EACH(i, ARRAYS) all[i].size = -1;
    for (const char *at = strstr(line, "\"arrays\""); (at = strchr(at + 1, '{'));) {
        char name[9] = "", dtype[9] = "", *bytes;
        long shape[8], nbytes = 0, which = 0, rank = numbers(at, "\"shape\"", shape);
        numbers(at, "\"nbytes\"", &nbytes);
        sscanf(strstr(at, "\"name\""), "\"name\" : \"%8[a-z]", name);
        sscanf(strstr(at, "\"dtype\""), "\"dtype\" : \"%8[a-z0-9]", dtype);
        if (fread(bytes = malloc(nbytes + 1), 1, nbytes, stdin) != (size_t)nbytes) exit(1);
        while (which < ARRAYS && strcmp(NAMES[which], name)) which++;
        is_usable = is_usable && which < ARRAYS && rank < 6 && !strcmp(dtype, "float32");
        if (is_usable) make(&all[which], rank, shape), memcpy(all[which].values, bytes, nbytes);
        free(bytes);
    }
    return is_usable;
}
/* Compute y, or dx, dw and db; return whether there are any. */
static int compute(const char *line, int is_gradient) {
    array *x = &all[X], *w = &all[W], *b = &all[B], *y = &all[is_gradient ? DY : Y];
    long s[8] = {1, 1, 1}, d[8] = {1, 1, 1}, c[8] = {0}, g = 1, out[8], positions = 1;
    numbers(line, "\"dilation\"", d), numbers(line, "\"crop\"", c), numbers(line, "\"groups\"", &g);
    if (g < 1 || x->shape[1] % g || w->shape[0] != x->shape[1]) return 0;
    out[0] = x->shape[0], out[1] = w->shape[1] * g;
    EACH(i, numbers(line, "\"stride\"", s)) {
        long full = (x->shape[i + 2] - 1) * s[i] + d[i] * (w->shape[i + 2] - 1) + 1;
        positions *= out[i + 2] = full - c[2 * i] - c[2 * i + 1];
        if (s[i] < 1 || d[i] < 1 || w->shape[i + 2] < 1 || out[i + 2] < 0) return 0;
    }
    if (b->size >= 0 && b->size != out[1]) return 0;
    long *xs = x->shape, *ws = w->shape, *ys = y->shape, o, p, q; /* Three axes, some of size 1 */
    if (!is_gradient) make(y, x->rank, out);
    else make(&all[DX], x->rank, xs), make(&all[DW], x->rank, ws), make(&all[DB], 1, out + 1);
    float *dx = all[DX].values, *dw = all[DW].values, *db = all[DB].values;
    EACH(i, y->size)
        if (is_gradient) db[i / positions % out[1]] += y->values[i];
        else y->values[i] = b->size >= 0 ? b->values[i / positions % out[1]] : 0;
    EACH(n, xs[0]) EACH(ci, xs[1]) EACH(co, ws[1])
    EACH(k, ws[2]) EACH(i, xs[2]) if ((o = i * s[0] + k * d[0] - c[0]) >= 0 && o < ys[2])
    EACH(l, ws[3]) EACH(j, xs[3]) if ((p = j * s[1] + l * d[1] - c[2]) >= 0 && p < ys[3])
    EACH(m, ws[4]) EACH(h, xs[4]) if ((q = h * s[2] + m * d[2] - c[4]) >= 0 && q < ys[4]) {
        long channel = ci / (xs[1] / g) * ws[1] + co;
        long at_x = (((n * xs[1] + ci) * xs[2] + i) * xs[3] + j) * xs[4] + h;
        long at_w = (((ci * ws[1] + co) * ws[2] + k) * ws[3] + l) * ws[4] + m;
        float *to = &y->values[(((n * ys[1] + channel) * ys[2] + o) * ys[3] + p) * ys[4] + q];
        if (!is_gradient) *to += x->values[at_x] * w->values[at_w];
        else dx[at_x] += *to * w->values[at_w], dw[at_w] += *to * x->values[at_x];
    }
    return 1;
}
static void answer(int first, int end) {
    printf("\"result\", \"arrays\": [");
    for (int a = first; a < end; a++) {
        printf("%s{\"name\": \"%s\", \"dtype\": \"float32\"", a > first ? ", " : "", NAMES[a]);
        printf(", \"nbytes\": %ld, \"shape\": [", all[a].size * 4);
        EACH(i, all[a].rank) printf("%s%ld", i ? ", " : "", all[a].shape[i]);
        printf("]}");
    }
    puts("]}");
    for (int a = first; a < end; a++) fwrite(all[a].values, 4, all[a].size, stdout);
}
int main(void) {
    char *line = NULL, op[9];
    size_t room = 0;
    for (long id; getline(&line, &room, stdin) > 0; fflush(stdout)) {
        int is_usable = read_arrays(line), is_gradient = strstr(line, "\"gradient\"") != NULL;
        numbers(line, "\"id\"", &id), sscanf(strstr(line, "\"op\""), "\"op\" : \"%8[a-z]", op);
        printf("{\"id\": %ld, \"op\": ", id);
        if (!strcmp(op, "start")) puts("\"started\", \"version\": \"1.0\"}");
        else if (!is_usable || strcmp(op, "run") || !compute(line, is_gradient))
            puts("\"refused\", \"message\": \"this is not done here\"}");
        else answer(is_gradient ? DX : Y, is_gradient ? ARRAYS : DX);
    }
}
