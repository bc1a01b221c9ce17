/* Einstein's summation over any number of letters, in plain loops: for what no product operator is
 * made for. Sums in double precision. */
#include "rt-math.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LETTERS 16

/* The loops: the letters of the output first, then those that are summed. */
typedef struct
{
  size_t size[MAX_LETTERS];
  size_t stride[RT_EINSUM_INPUTS][MAX_LETTERS];
  size_t n_out, n_sum;
  uint32_t summed[MAX_LETTERS], n_summed;
} Loops;

/* All letters have a number below n_letters, and the output has none twice. */
static bool
check_letters (const RtEinsumAttrs *attrs, uint32_t n_inputs, RtError *error)
{
  uint32_t seen = 0;

  if (attrs->n_letters > MAX_LETTERS || attrs->n_out > RT_MAX_DIMS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "At most %d letters and %d dimensions are possible, got %u and %u", MAX_LETTERS,
                    RT_MAX_DIMS, attrs->n_letters, attrs->n_out);
  for (uint32_t i = 0; i < n_inputs; i++)
    for (uint32_t d = 0; d < attrs->n_dims[i]; d++)
      if (d >= RT_MAX_DIMS || attrs->letters[i][d] >= attrs->n_letters)
        return rt_fail (error, RT_ERROR_FORMAT, "Dimension %u of input %u has no letter", d, i);
  for (uint32_t d = 0; d < attrs->n_out; d++)
    {
      if (attrs->out[d] >= attrs->n_letters || seen >> attrs->out[d] & 1)
        return rt_fail (error, RT_ERROR_FORMAT,
                        "Dimension %u of the output has no letter, or that of another", d);
      seen |= 1u << attrs->out[d];
    }
  return true;
}

static bool
einsum_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtEinsumAttrs *attrs = node->attrs;
  int64_t size[MAX_LETTERS];

  if (!check_letters (attrs, node->n_inputs, error))
    return false;
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    size[l] = 1;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      const RtValue *value = rt_op_input_value (graph, node, i);
      if (!rt_math_check_type (graph, node, i, RT_MATH_FLOAT, error))
        return false;
      if (rt_math_type (value) != rt_math_type (rt_op_input_value (graph, node, 0)))
        return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %s as the first input, got %s",
                        value->name,
                        rt_type_name (rt_math_type (rt_op_input_value (graph, node, 0))),
                        rt_type_name (value->type));
      if (value->shape.n_dims != attrs->n_dims[i])
        return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %u dimensions, got %u", value->name,
                        attrs->n_dims[i], value->shape.n_dims);
      for (uint32_t d = 0; d < value->shape.n_dims; d++)
        {
          int64_t *at = &size[attrs->letters[i][d]], dim = value->shape.dims[d];
          if (dim != 1 && *at != 1 && dim != *at)
            return rt_fail (error, RT_ERROR_FORMAT, "%s: dimension %u is %lld, expected %lld",
                            value->name, d, (long long)dim, (long long)*at);
          *at = *at == 1 ? dim : *at;
        }
    }
  shapes[0] = (RtShape){ .n_dims = attrs->n_out };
  for (uint32_t d = 0; d < attrs->n_out; d++)
    shapes[0].dims[d] = size[attrs->out[d]];
  types[0] = rt_math_type (rt_op_input_value (graph, node, 0));
  return true;
}

static void
loops_init (Loops *loops, const RtOpContext *context)
{
  const RtEinsumAttrs *attrs = context->attrs;
  bool in_output[MAX_LETTERS] = { false };

  *loops = (Loops){ .n_out = 1, .n_sum = 1 };
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    loops->size[l] = 1;
  for (uint32_t i = 0; i < context->node->n_inputs; i++)
    {
      const RtShape *shape = &context->inputs[i].shape;
      size_t stride = 1;
      for (uint32_t d = shape->n_dims; d-- > 0; stride *= (size_t)shape->dims[d])
        {
          uint32_t letter = attrs->letters[i][d];
          if (shape->dims[d] != 1)
            {
              loops->size[letter] = (size_t)shape->dims[d];
              loops->stride[i][letter] += stride; /* a letter twice: the diagonal */
            }
        }
    }
  for (uint32_t d = 0; d < attrs->n_out; d++)
    {
      in_output[attrs->out[d]] = true;
      loops->n_out *= loops->size[attrs->out[d]];
    }
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    if (!in_output[l])
      {
        loops->summed[loops->n_summed++] = l;
        loops->n_sum *= loops->size[l];
      }
}

static double
number (const RtTensor *tensor, size_t at)
{
  double x;
  rt_math_load_f64 (tensor->type, tensor->data, at, 1, 1, &x);
  return x;
}

/* The sum of output @o. */
static double
einsum_one (const RtOpContext *context, const Loops *loops, size_t o)
{
  const RtEinsumAttrs *attrs = context->attrs;
  uint32_t n_inputs = context->node->n_inputs;
  size_t base[RT_EINSUM_INPUTS] = { 0 };
  double sum = 0;

  for (uint32_t d = attrs->n_out; d-- > 0; o /= loops->size[attrs->out[d]])
    for (uint32_t i = 0; i < n_inputs; i++)
      base[i] += o % loops->size[attrs->out[d]] * loops->stride[i][attrs->out[d]];
  for (size_t s = 0; s < loops->n_sum; s++)
    {
      size_t rest = s, at[RT_EINSUM_INPUTS];
      double product = 1;
      memcpy (at, base, sizeof at);
      for (uint32_t k = loops->n_summed; k-- > 0; rest /= loops->size[loops->summed[k]])
        for (uint32_t i = 0; i < n_inputs; i++)
          at[i] += rest % loops->size[loops->summed[k]] * loops->stride[i][loops->summed[k]];
      for (uint32_t i = 0; i < n_inputs; i++)
        product *= number (&context->inputs[i], at[i]);
      sum += product;
    }
  return sum;
}

static uint32_t
einsum_chunks (const RtOpContext *context, uint32_t phase)
{
  Loops loops;
  loops_init (&loops, context);
  return rt_split (loops.n_out, loops.n_sum * 64, context->n_threads);
}

static void
einsum_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Loops loops;
  uint64_t first, last;

  loops_init (&loops, context);
  rt_split_range (loops.n_out, einsum_chunks (context, 0), chunk, &first, &last);
  for (uint64_t o = first; o < last; o++)
    {
      double sum = einsum_one (context, &loops, o);
      rt_math_store_f64 (context->outputs[0].type, &sum, 1, context->outputs[0].data, o);
    }
}

/* All letters in one loop, each term added to its output. */
static void
einsum_reference (const RtOpContext *context)
{
  const RtEinsumAttrs *attrs = context->attrs;
  size_t n_out = (size_t)rt_shape_n (&context->outputs[0].shape), n_all = 1;
  double *sums = rt_reference_alloc (n_out * sizeof *sums);
  Loops loops;

  loops_init (&loops, context);
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    n_all *= loops.size[l];
  for (size_t t = 0; t < n_all; t++)
    {
      size_t index[MAX_LETTERS], rest = t, o = 0;
      double product = 1;
      for (uint32_t l = 0; l < attrs->n_letters; rest /= loops.size[l++])
        index[l] = rest % loops.size[l];
      for (uint32_t i = 0; i < context->node->n_inputs; i++)
        {
          const RtShape *shape = &context->inputs[i].shape;
          size_t at = 0;
          for (uint32_t d = 0; d < shape->n_dims; d++)
            at = at * (size_t)shape->dims[d]
                 + (shape->dims[d] == 1 ? 0 : index[attrs->letters[i][d]]);
          product *= number (&context->inputs[i], at);
        }
      for (uint32_t d = 0; d < attrs->n_out; d++)
        o = o * loops.size[attrs->out[d]] + index[attrs->out[d]];
      sums[o] += product;
    }
  rt_math_store_f64 (context->outputs[0].type, sums, n_out, context->outputs[0].data, 0);
  free (sums);
}

static void
einsum_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtEinsumAttrs *attrs = query->node->attrs;
  uint64_t size[MAX_LETTERS], n = 1;

  rt_op_cost_io (query, cost);
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    size[l] = 1;
  for (uint32_t i = 0; i < query->node->n_inputs; i++)
    {
      RtShape shape;
      rt_shape_bind (&rt_op_input_value (query->graph, query->node, i)->shape, query->symbols,
                     &shape);
      for (uint32_t d = 0; d < shape.n_dims; d++)
        if (shape.dims[d] != 1)
          size[attrs->letters[i][d]] = (uint64_t)shape.dims[d];
    }
  for (uint32_t l = 0; l < attrs->n_letters; l++)
    n *= size[l];
  cost->flops = n * query->node->n_inputs;
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtEinsumAttrs, n_letters, 0, MAX_LETTERS),
  RT_FIELD (RtEinsumAttrs, n_dims, 0, RT_MAX_DIMS),
  RT_FIELD (RtEinsumAttrs, letters, 0, MAX_LETTERS - 1),
  RT_FIELD (RtEinsumAttrs, n_out, 0, RT_MAX_DIMS),
  RT_FIELD (RtEinsumAttrs, out, 0, MAX_LETTERS - 1),
};
/* clang-format on */

const RtOp rt_op_einsum = {
  .name = "einsum",
  .title = "Einstein sum",
  .attrs_bytes = sizeof (RtEinsumAttrs),
  RT_FIELDS (fields),
  .min_inputs = 1,
  .max_inputs = RT_EINSUM_INPUTS,
  .n_outputs = 1,
  .vector_inputs = (1 << RT_EINSUM_INPUTS) - 1,
  .infer = einsum_infer,
  .n_phases = 1,
  .n_chunks = einsum_chunks,
  .run = einsum_run,
  .reference = einsum_reference,
  .cost = einsum_cost,
};

/* ---- equations ---- */

/* Letters of a term that has @n_dims dimensions; an ellipsis stands for the @n_ellipsis last of the
 * ellipsis' letters, which are numbers from 64 on. -1: no ellipsis seen. */
static bool
parse_term (const char *term, size_t length, uint32_t n_dims, uint8_t *codes, uint32_t *n_codes,
            RtError *error)
{
  uint32_t n_named = 0, n = 0, n_ellipses = 0;

  for (size_t i = 0; i < length; i++)
    if (isalpha ((unsigned char)term[i]))
      n_named++;
  for (size_t i = 0; i < length; i++)
    {
      char c = term[i];
      if (isspace ((unsigned char)c))
        continue;
      if (isalpha ((unsigned char)c) && n < RT_MAX_DIMS)
        codes[n++] = (uint8_t)(c < 'a' ? c - 'A' : c - 'a' + 26);
      else if (i + 2 < length && strncmp (term + i, "...", 3) == 0 && n_ellipses++ == 0)
        {
          uint32_t n_hidden = n_dims > n_named ? n_dims - n_named : 0;
          for (uint32_t k = 0; k < n_hidden && n < RT_MAX_DIMS; k++)
            codes[n++] = (uint8_t)(64 + RT_MAX_DIMS - n_hidden + k);
          i += 2;
        }
      else
        return rt_fail (error, RT_ERROR_FORMAT, "Einsum term \"%.*s\" has \"%c\" in it",
                        (int)length, term, c);
    }
  *n_codes = n;
  return true;
}

/* Letter numbers in order of first appearance. */
static bool
number_letters (const uint8_t *codes, uint32_t n, uint8_t *known, RtEinsumAttrs *attrs,
                uint32_t *letters, bool may_add)
{
  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t l = 0;
      while (l < attrs->n_letters && known[l] != codes[i])
        l++;
      if (l == attrs->n_letters && (!may_add || l == MAX_LETTERS))
        return false;
      if (l == attrs->n_letters)
        known[attrs->n_letters++] = codes[i];
      letters[i] = l;
    }
  return true;
}

/* Without "->": the ellipsis, then the letters that appear once, in alphabetical order. */
static uint32_t
implicit_output (const uint32_t *counts, uint32_t n_hidden, uint8_t *codes)
{
  uint32_t n = 0;
  for (uint32_t k = RT_MAX_DIMS - n_hidden; k < RT_MAX_DIMS; k++)
    codes[n++] = (uint8_t)(64 + k);
  for (uint8_t c = 0; c < 52 && n < RT_MAX_DIMS; c++)
    if (counts[c] == 1)
      codes[n++] = c;
  return n;
}

bool
rt_einsum_parse (const char *equation, const uint32_t *n_dims, uint32_t n_inputs,
                 RtEinsumAttrs *attrs, RtError *error)
{
  const char *arrow = strstr (equation, "->"), *at = equation;
  const char *end = arrow != NULL ? arrow : equation + strlen (equation);
  uint8_t known[MAX_LETTERS], codes[RT_MAX_DIMS];
  uint32_t counts[128] = { 0 }, n_codes, n_hidden = 0;

  *attrs = (RtEinsumAttrs){ 0 };
  if (n_inputs > RT_EINSUM_INPUTS)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "Einsum of at most %d inputs, got %u",
                    RT_EINSUM_INPUTS, n_inputs);
  for (uint32_t i = 0; i < n_inputs; i++)
    {
      const char *comma = memchr (at, ',', (size_t)(end - at));
      const char *stop = comma != NULL ? comma : end;
      if (!parse_term (at, (size_t)(stop - at), n_dims[i], codes, &n_codes, error))
        return false;
      if (n_codes != n_dims[i] || (comma == NULL) != (i + 1 == n_inputs))
        return rt_fail (
            error, RT_ERROR_FORMAT,
            "Einsum \"%s\" does not fit %u inputs, of which number %u has %u dimensions", equation,
            n_inputs, i + 1, n_dims[i]);
      if (!number_letters (codes, n_codes, known, attrs, attrs->letters[i], true))
        return rt_fail (error, RT_ERROR_UNSUPPORTED, "Einsum \"%s\" has more than %d letters",
                        equation, MAX_LETTERS);
      attrs->n_dims[i] = n_codes;
      uint32_t hidden = 0;
      for (uint32_t k = 0; k < n_codes; k++)
        {
          counts[codes[k]]++;
          hidden += codes[k] >= 64;
        }
      n_hidden = hidden > n_hidden ? hidden : n_hidden;
      at = stop + 1;
    }

  if (arrow == NULL)
    n_codes = implicit_output (counts, n_hidden, codes);
  else
    {
      uint32_t n_named = 0;
      for (const char *c = arrow + 2; *c != '\0'; c++)
        n_named += isalpha ((unsigned char)*c) != 0;
      if (!parse_term (arrow + 2, strlen (arrow + 2), n_named + n_hidden, codes, &n_codes, error))
        return false;
    }
  attrs->n_out = n_codes;
  if (!number_letters (codes, n_codes, known, attrs, attrs->out, false))
    return rt_fail (error, RT_ERROR_FORMAT,
                    "Einsum \"%s\": the output has a letter that no input has", equation);
  return true;
}
