/* The walk over panels, blocks of terms and tiles of pixels that all vector variants of the
 * convolution share. A variant brings its tiles and its way to expand 16-bit weights. */
#pragma once

#include "kn-conv-private.h"

/* What the tiles of one pass over the pixels have in common. */
typedef struct
{
  const KnConvArgs *args;
  KnConvBlock block;
  size_t segment, offset; /* where the block begins */
  size_t first_panel;
  const float
      *expanded; /* the block's weights, panel after panel; NULL: take them from the panels */
} KnConvPass;

/* A tile's pixels begin at @first_pixel; how many pixels and panels it has is compiled in. */
typedef void (*KnConvTileFn) (const KnConvPass *pass, size_t first_pixel);

/* @n_lines lines of 16 weights of @dtype to f32. */
typedef void (*KnConvExpandFn) (KnDtype dtype, const uint16_t *lines, size_t n_lines, float *out);

/* Tiles by pixels - 1 and the logarithm of the panels; NULL beyond the most panels that a number of
 * pixels has. More pixels have no more panels. */
typedef const KnConvTileFn KnConvTiles[4];

/* The block's weights of @n_panels panels as f32. */
static inline void
kn_conv_expand (KnConvPass *pass, size_t n_panels, KnConvExpandFn expand)
{
  const KnConvArgs *a = pass->args;
  float *out = kn_conv_expanded (a);

  pass->expanded = out;
  for (size_t p = 0; p < n_panels; p++)
    for (size_t term = pass->block.first, n; term < pass->block.end; term += n)
      {
        const size_t offset = term % a->segment_len, left = pass->block.end - term;
        const uint16_t *w = kn_conv_weights (a, pass->first_panel + p, term / a->segment_len);

        n = a->segment_len - offset < left ? a->segment_len - offset : left;
        expand (a->dtype, w + offset * KN_PANEL_ROWS, n, out);
        out += n * KN_PANEL_ROWS;
      }
}

/* Weights of segment @segment from @offset on, in the pass's first panel; @n_done terms of the
 * block were before. */
KN_INLINE const float *
kn_conv_pass_weights (const KnConvPass *pass, size_t segment, size_t offset, size_t n_done)
{
  if (pass->expanded)
    return pass->expanded + n_done * KN_PANEL_ROWS;
  return (const float *)kn_conv_weights (pass->args, pass->first_panel, segment)
         + offset * KN_PANEL_ROWS;
}

/* Floats from one panel of the pass to the next. */
KN_INLINE size_t
kn_conv_pass_stride (const KnConvPass *pass)
{
  return (pass->expanded ? pass->block.end - pass->block.first : pass->args->n_columns)
         * KN_PANEL_ROWS;
}

/* @block_lines: weights of a block, in lines of 16; at most KN_CONV_MAX_BLOCK_LINES. */
static inline void
kn_conv_walk (const KnConvArgs *a, size_t max_pixels, size_t block_lines, KnConvTiles *tiles,
              KnConvExpandFn expand)
{
  const size_t n_panels = kn_conv_n_panels (a), n_terms = kn_conv_n_terms (a);
  const size_t n_tiles = (a->n_pixels + max_pixels - 1) / max_pixels;
  const size_t largest = (a->n_pixels + n_tiles - 1) / n_tiles;
  const size_t smallest = a->n_pixels / n_tiles, n_large = a->n_pixels % n_tiles;
  KnConvPass pass = { .args = a };

  while (pass.first_panel < n_panels)
    {
      unsigned log2 = 3;

      while (!tiles[largest - 1][log2] || (size_t)1 << log2 > n_panels - pass.first_panel)
        log2--;

      const size_t n_blocks = kn_conv_n_blocks (a, (size_t)1 << log2, n_tiles, block_lines);
      for (size_t b = 0; b < n_blocks; b++)
        {
          pass.block = kn_conv_block (n_terms, n_blocks, b);
          pass.segment = pass.block.first / a->segment_len;
          pass.offset = pass.block.first % a->segment_len;
          if (a->dtype != KN_F32)
            kn_conv_expand (&pass, (size_t)1 << log2, expand);
          /* The first @n_large tiles have one pixel more. */
          for (size_t i = 0, first = 0, n; i < n_tiles; i++, first += n)
            {
              n = i < n_large ? largest : smallest;
              tiles[n - 1][log2](&pass, first);
            }
        }
      pass.first_panel += (size_t)1 << log2;
    }
}
