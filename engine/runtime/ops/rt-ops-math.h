/* The arithmetic operators of networks, by name, and their attributes: functions of one number and
 * of two, reductions, norms, products, recurrent networks, signals. Importers and the builders of
 * pre- and post-processing use this; the executor does not.
 *
 * Names and semantics are ONNX's unless it says otherwise; inputs that are attributes by nature
 * (axes, repeats) are attributes here. Axes count from the end when they are negative. "float" is
 * f32 or f64; constants may also be f16 or bf16, which count as f32. Computing in f32 gives the
 * same bits for every number of threads, and on every instruction set where libm is not involved:
 * where it is (logarithms, trigonometry, powers) it computes in double precision and the result is
 * rounded. */
#pragma once

#include "rt-op.h"

/* ---- functions of one number: x, any shape -> the same shape and type; output may take the place
 * of x ---- */

/* float or signed integer */
extern const RtOp rt_op_relu, rt_op_abs, rt_op_neg, rt_op_sign;
/* any number type: a is the minimum, b the maximum (-INFINITY, INFINITY: none) */
extern const RtOp rt_op_clip;
/* float with attributes a, b */
extern const RtOp rt_op_leaky_relu;       /* x, below 0 times a */
extern const RtOp rt_op_elu;              /* x, below 0 a (exp (x) - 1) */
extern const RtOp rt_op_selu;             /* b times elu with a */
extern const RtOp rt_op_celu;             /* x, below 0 a (exp (x / a) - 1) */
extern const RtOp rt_op_thresholded_relu; /* x where x > a, else 0 */
extern const RtOp rt_op_hard_sigmoid;     /* clamp (a x + b, 0, 1) */
extern const RtOp rt_op_shrink; /* x < -a: x + b; x > a: x - b; else 0 (a: lambd, b: bias) */
extern const RtOp rt_op_affine; /* a x + b, rounded once in f32 */
/* float */
extern const RtOp rt_op_sigmoid, rt_op_tanh, rt_op_silu, rt_op_hard_swish, rt_op_mish;
extern const RtOp rt_op_gelu_erf; /* exact; rt_op_gelu of rt-ops.h is the tanh form, f32 */
extern const RtOp rt_op_softplus, rt_op_softsign;
extern const RtOp rt_op_sqrt, rt_op_rsqrt, rt_op_reciprocal, rt_op_square;
extern const RtOp rt_op_exp, rt_op_log, rt_op_log1p, rt_op_erf;
extern const RtOp rt_op_sin, rt_op_cos, rt_op_tan, rt_op_asin, rt_op_acos, rt_op_atan;
extern const RtOp rt_op_sinh, rt_op_cosh, rt_op_asinh, rt_op_acosh, rt_op_atanh;
extern const RtOp rt_op_ceil, rt_op_floor;
extern const RtOp rt_op_round; /* half to even */
/* float -> bool; attributes of is_inf: a = 1 finds negative, b = 1 positive ones */
extern const RtOp rt_op_is_nan, rt_op_is_inf;
extern const RtOp rt_op_not;         /* bool */
extern const RtOp rt_op_bitwise_not; /* integers */
typedef struct
{
  double a, b;
} RtUnaryAttrs;

/* ---- functions of two numbers: a and b of one type, broadcast together as NumPy does ---- */

/* Any number type. Integers wrap around; an integer divided by 0 is 0, division rounds towards 0.
 * add and mul of the same shape are what language models use. */
extern const RtOp rt_op_add, rt_op_sub, rt_op_mul, rt_op_div;
extern const RtOp rt_op_min, rt_op_max; /* NaN when one is */
extern const RtOp
    rt_op_pow; /* b may have another type; computed in double, integers exactly when small */
extern const RtOp rt_op_mod;                             /* sign of b, as in Python */
extern const RtOp rt_op_fmod;                            /* sign of a, as in C */
extern const RtOp rt_op_floor_div;                       /* rounds down */
extern const RtOp rt_op_squared_difference, rt_op_atan2; /* float */
/* float: a, below 0 times b; b broadcasts to a's shape */
extern const RtOp rt_op_prelu;
/* -> bool. equal and not_equal also bool. */
extern const RtOp rt_op_equal, rt_op_not_equal;
extern const RtOp rt_op_less, rt_op_less_equal, rt_op_greater, rt_op_greater_equal;
/* bool */
extern const RtOp rt_op_and, rt_op_or, rt_op_xor;
/* integers; shifts of as many bits as the type has, or more, give 0 */
extern const RtOp rt_op_bitwise_and, rt_op_bitwise_or, rt_op_bitwise_xor;
extern const RtOp rt_op_shift_left, rt_op_shift_right;

/* ---- reductions ---- */

/* x float or integer (i32, i64, u8, i8; sums of integers wrap around) -> the named dimensions have
 * size 1, or are gone. log_sum_exp is computed without overflow. */
extern const RtOp rt_op_reduce_sum, rt_op_reduce_mean, rt_op_reduce_prod;
extern const RtOp rt_op_reduce_max, rt_op_reduce_min;
extern const RtOp rt_op_reduce_l1, rt_op_reduce_l2, rt_op_reduce_sum_square;
extern const RtOp rt_op_reduce_log_sum, rt_op_reduce_log_sum_exp;
extern const RtOp rt_op_reduce_any, rt_op_reduce_all; /* bool */
typedef struct
{
  uint32_t n_axes; /* 0: all of them */
  int32_t axes[RT_MAX_DIMS];
  uint32_t keep_dims;
} RtReduceAttrs;

/* x float, i32 or i64 -> running sums along @axis. */
extern const RtOp rt_op_cumsum;
typedef struct
{
  int32_t axis;
  uint32_t exclusive; /* without the element itself */
  uint32_t reverse;   /* from the end */
} RtCumsumAttrs;

/* ---- along one axis ---- */

/* x f32 -> the same shape. softmax: exp (beta x) over its sum along the axis. */
extern const RtOp rt_op_softmax;
extern const RtOp rt_op_log_softmax;
extern const RtOp rt_op_hardmax; /* 1 at the first of the largest, 0 elsewhere */
typedef struct
{
  int32_t axis;
  uint32_t to_end; /* 1: all dimensions from @axis on together (ONNX before opset 13) */
  float beta;      /* softmax; 0 counts as 1 */
} RtSoftmaxAttrs;

/* x f32 -> x / max (L2 or L1 norm along @axis, eps); a row of zeros stays one. */
extern const RtOp rt_op_lp_normalize;
typedef struct
{
  int32_t axis;
  uint32_t p; /* 1 or 2 */
  float eps;  /* ONNX: 0. TFLite: 1e-3, the root of its limit of the sum of squares */
} RtLpNormalizeAttrs;

/* x f32, optional scale, optional offset (constants or activations of shape x.shape[axis:]) -> y,
 * then mean and 1 / sqrt (variance + eps), [x.shape[:axis], 1, ...]. */
extern const RtOp rt_op_layer_norm;
typedef struct
{
  int32_t axis; /* the first of the normalised dimensions, which are the last ones */
  float eps;
} RtLayerNormAttrs;

/* x f32 [N, C, ...] (or channels last), scale [C], offset [C], mean [C], variance [C] -> scale (x -
 * mean) / sqrt (variance + eps) + offset. */
extern const RtOp rt_op_batch_norm;
/* x f32 [N, C, ...] (or channels last), optional scale [C], optional offset [C]: normalised over
 * all places and the channels of a group of one picture. groups = C: instance norm; 1 with scale:
 * layer norm of a picture. */
extern const RtOp rt_op_group_norm;
typedef struct
{
  float eps;
  uint32_t groups; /* group_norm; 0: one per channel (instance norm) */
  uint32_t channels_first;
} RtChannelNormAttrs;

/* x f32 [N, C, ...] (or channels last) -> x / (bias + alpha / size * sum of squares of @size
 * neighbour channels)^beta. Krizhevsky et al. 2012, section 3.3. (TFLite: alpha times size.) */
extern const RtOp rt_op_lrn;
typedef struct
{
  uint32_t size;
  float alpha, beta, bias;
  uint32_t channels_first;
} RtLrnAttrs;

/* x f32 -> (x - mean) / (sqrt (variance) + 1e-9) over the named axes; attribute RtReduceAttrs. */
extern const RtOp rt_op_mean_variance_norm;

/* ---- products ---- */

/* rt_op_matmul of rt-ops.h: x [..., C] times a constant [R, C], packed, in any weight format. This
 * is the one for dense layers. */

/* a, b f32 activations (or constants) with NumPy's rules: the last two dimensions are matrices,
 * those before broadcast; a vector gets a dimension of 1 that is taken away again. */
extern const RtOp rt_op_matmul_nd;
typedef struct
{
  uint32_t transpose_a, transpose_b; /* swap the last two dimensions before (TFLite) */
} RtMatmulNdAttrs;

/* a [M, K], b [K, N], optional c broadcast to [M, N] -> alpha a b + beta c; f32. */
extern const RtOp rt_op_gemm;
typedef struct
{
  float alpha, beta;
  uint32_t transpose_a, transpose_b;
} RtGemmAttrs;

/* Up to four f32 or f64 inputs of one type -> the sum over the letters that the output lacks of the
 * products. The letters of inputs and output are given as numbers 0 .. n_letters - 1, ellipses
 * already resolved. */
extern const RtOp rt_op_einsum;
#define RT_EINSUM_INPUTS 4
typedef struct
{
  uint32_t n_letters;
  uint32_t n_dims[RT_EINSUM_INPUTS];
  uint32_t letters[RT_EINSUM_INPUTS][RT_MAX_DIMS];
  uint32_t n_out;
  uint32_t out[RT_MAX_DIMS];
} RtEinsumAttrs;
/* Fill @attrs from an ONNX equation ("...ij,jk->...ik") and the inputs' numbers of dimensions. */
bool rt_einsum_parse (const char *equation, const uint32_t *n_dims, uint32_t n_inputs,
                      RtEinsumAttrs *attrs, RtError *error);

/* ---- recurrent ---- */

/* x f32 [T, B, I] (batch_first: [B, T, I]); per direction d one constant matrix of input weights
 * [G * H, I] and one of recurrent weights [G * H, H], packed in any weight format, gates in ONNX's
 * order: lstm i, o, f, c; gru z, r, h; rnn one. Optional bias [D, 2 G H] (input's, then
 * recurrence's), initial state [D, B, H], initial cell [D, B, H], peepholes [D, 3 H] (i, o, f),
 * lengths [B] i32.
 * -> y [T, D, B, H] (batch_first: [B, T, D, H]), last state [D, B, H], and for lstm last cell. With
 * batch_first the states are [B, D, H], as ONNX's layout 1. Hochreiter and Schmidhuber 1997, Cho et
 * al. 2014. */
extern const RtOp rt_op_lstm, rt_op_gru, rt_op_rnn;
enum
{
  RT_RECURRENT_X,
  RT_RECURRENT_W_0, /* first direction: W, R */
  RT_RECURRENT_R_0,
  RT_RECURRENT_W_1, /* second direction, absent when there is one */
  RT_RECURRENT_R_1,
  RT_RECURRENT_BIAS,
  RT_RECURRENT_H,
  RT_RECURRENT_C,
  RT_RECURRENT_PEEPHOLE,
  RT_RECURRENT_LENGTHS,
  RT_RECURRENT_N_INPUTS
};
typedef enum
{
  RT_RECURRENT_FORWARD,
  RT_RECURRENT_REVERSE,
  RT_RECURRENT_BIDIRECTIONAL,
} RtDirection;
typedef enum /* ONNX's list for the activations attribute */
{
  RT_GATE_SIGMOID,
  RT_GATE_TANH,
  RT_GATE_RELU,
  RT_GATE_AFFINE,           /* alpha x + beta */
  RT_GATE_LEAKY_RELU,       /* alpha */
  RT_GATE_THRESHOLDED_RELU, /* alpha */
  RT_GATE_SCALED_TANH,      /* alpha tanh (beta x) */
  RT_GATE_HARD_SIGMOID,     /* alpha, beta */
  RT_GATE_ELU,              /* alpha */
  RT_GATE_SOFTSIGN,
  RT_GATE_SOFTPLUS,
} RtGateFunction;
typedef struct
{
  uint32_t function; /* RtGateFunction */
  float alpha, beta;
} RtGateActivation;
typedef struct
{
  uint32_t hidden;
  uint32_t direction; /* RtDirection */
  RtGateActivation activations[2]
                              [3]; /* per direction f, g, h as ONNX: lstm sigmoid, tanh, tanh; gru
                                         sigmoid, tanh; rnn tanh */
  float clip;                      /* of the sums before each activation; 0: none */
  float cell_clip;                 /* lstm: of the cell, as TFLite does it; 0: none */
  uint32_t input_forget;           /* lstm: f = 1 - i */
  uint32_t linear_before_reset;    /* gru */
  uint32_t batch_first;
} RtRecurrentAttrs;

/* ---- signals ---- */

/* x f32 [..., n, 1] (real) or [..., n, 2] (complex), transformed along @axis (not the last, which
 * holds real and imaginary part) -> [..., length or length / 2 + 1, 2]. x is cut or padded with
 * zeros to @length. Powers of two take n log n; others use a chirp (Bluestein 1970). */
extern const RtOp rt_op_dft;
typedef struct
{
  int32_t axis;
  int64_t length; /* 0: the dimension as it is */
  uint32_t inverse, onesided;
} RtDftAttrs;

/* x f32 [B, n], [B, n, 1] or, complex, [B, n, 2], optional window [frame_length] -> [B, frames,
 * bins, 2]. */
extern const RtOp rt_op_stft;
typedef struct
{
  int64_t frame_length, frame_step;
  uint32_t onesided;
} RtStftAttrs;

/* Sound to features: x f32 [n] or [1, n], n usually RT_DIM_SAMPLES -> [n_frames, n_mels], or
 * [n_frames, n_mfcc] of their cosine transform. Frame f is samples [f * frame_step, ... +
 * frame_length) (centred: half a transform earlier) times a Hann window, padded with zeros to
 * fft_length; then |X|^power, mel filters, log (max (mel, floor)) or log (mel + floor), times
 * log_scale plus log_offset. Where frames reach beyond the samples they read zeros. */
extern const RtOp rt_op_log_mel;
typedef enum
{
  RT_MEL_TENSORFLOW, /* 1127 log (1 + f / 700); triangles over mel; bin 0 counts nothing */
  RT_MEL_HTK,        /* the same scale; triangles over frequency. Young et al., The HTK Book */
  RT_MEL_SLANEY,     /* linear to 1 kHz, then logarithmic; triangles over frequency of area 1.
                        Slaney 1998 */
} RtMelFilters;
typedef enum
{
  RT_FRAMES_FROM_START, /* frame 0 begins at sample 0 */
  RT_FRAMES_CENTRED,    /* frame 0 is centred at sample 0, zeros before */
  RT_FRAMES_REFLECTED,  /* the same, mirrored samples before and after */
} RtFrames;
typedef struct
{
  uint32_t sample_rate_hz;
  uint32_t frame_length, frame_step, fft_length; /* samples */
  uint32_t n_frames;                             /* of the output, whatever the samples are */
  uint32_t frames;                               /* RtFrames */
  uint32_t symmetric_window; /* Hann over frame_length - 1 instead of frame_length */
  uint32_t power;            /* 1: magnitude, 2: power */
  uint32_t n_mels;
  uint32_t filters; /* RtMelFilters */
  float low_hz, high_hz;
  float floor;        /* > 0 */
  uint32_t add_floor; /* log (mel + floor) */
  float log_scale;    /* 1: natural logarithm; 10 / log (10): decibel */
  float log_offset;
  uint32_t
      n_mfcc; /* 0: mel energies; else the first ones of their DCT-II times sqrt (2 / n_mels) */
  uint32_t orthonormal; /* the first of those times sqrt (1 / 2) more */
} RtLogMelAttrs;

/* Constants of signal processing, [n] and [bins, n_mels], written to @y: what ONNX's HannWindow,
 * HammingWindow, BlackmanWindow and MelWeightMatrix make. */
typedef enum
{
  RT_WINDOW_HANN,
  RT_WINDOW_HAMMING,
  RT_WINDOW_BLACKMAN,
} RtWindow;
void rt_window (RtWindow window, int64_t n, uint32_t periodic, float *y);
void rt_mel_weights (int64_t n_mels, int64_t fft_length, int64_t sample_rate_hz, float low_hz,
                     float high_hz, float *y);
