/* The functions that fill a table's families, one per family and instruction set. Each overwrites
 * the members it has and leaves the rest, so a better level inherits what it does not improve. */
#pragma once

#include "kn-table.h"

void kn_matmul_c (KnMatmulFamily *family);
void kn_matmul_avx2 (KnMatmulFamily *family);
void kn_matmul_avx512 (KnMatmulFamily *family);
void kn_matmul_row_c (KnMatmulFamily *family); /* kn_matmul_c() calls it, and so each level's */
void kn_matmul_row_avx2 (KnMatmulFamily *family);
void kn_matmul_row_avx512 (KnMatmulFamily *family);
void kn_matmul_row_neon (KnMatmulFamily *family);
void kn_matmul_row_dotprod (KnMatmulFamily *family);
void kn_vec_c (KnVecFamily *f);
void kn_attn_c (KnAttnFamily *f);
void kn_conv_c (KnConvFamily *family);
void kn_pool_c (KnPoolFamily *family);
void kn_qconv_c (KnQconvFamily *f);
void kn_qvec_c (KnQvecFamily *f);

void kn_vec_avx2 (KnVecFamily *f);
void kn_attn_avx2 (KnAttnFamily *f);
void kn_vec_avx512 (KnVecFamily *f);
void kn_attn_avx512 (KnAttnFamily *f);
void kn_conv_avx2 (KnConvFamily *family);
void kn_pool_avx2 (KnPoolFamily *family);
void kn_conv_avx512 (KnConvFamily *family);
void kn_depthwise_avx512 (KnConvFamily *family); /* kn_conv_avx512() calls it */
void kn_pool_avx512 (KnPoolFamily *family);
void kn_qconv_avx2 (KnQconvFamily *f);
void kn_qvec_avx2 (KnQvecFamily *f);
void kn_qconv_avx512 (KnQconvFamily *f);
void kn_qvec_avx512 (KnQvecFamily *f);

void kn_matmul_neon (KnMatmulFamily *family);
void kn_vec_neon (KnVecFamily *f);
void kn_attn_neon (KnAttnFamily *f);
void kn_conv_neon (KnConvFamily *family);
void kn_pool_neon (KnPoolFamily *family);
void kn_qconv_neon (KnQconvFamily *f);
void kn_qconv_dotprod (KnQconvFamily *f);
void kn_qvec_neon (KnQvecFamily *f);

void kn_map_c (KnMapFamily *f);
void kn_map_avx2 (KnMapFamily *f);
void kn_map_avx512 (KnMapFamily *f);
void kn_map_neon (KnMapFamily *f);

void kn_matmul_dotprod (KnMatmulFamily *family);
void kn_skip_fill (KnMatmulFamily *family, KnLevel level);
void kn_skip_avx512 (KnMatmulFamily *family);
void kn_rows_fill (KnMatmulFamily *family, KnLevel level);
void kn_rows_avx2 (KnMatmulFamily *family);
void kn_rows_avx512 (KnMatmulFamily *family);
void kn_rows_neon (KnMatmulFamily *family);
void kn_rows_dotprod (KnMatmulFamily *family);
void kn_sparse_avx2 (KnMatmulFamily *family);
void kn_sparse_neon (KnMatmulFamily *family);
void kn_sparse_dotprod (KnMatmulFamily *family);
void kn_sparse_avx512 (KnMatmulFamily *family); /* only where kn_has_vbmi2 () */
void kn_lookup_avx2 (KnMatmulFamily *family);
void kn_lookup_avx512 (KnMatmulFamily *family);
void kn_lookup_neon (KnMatmulFamily *family);
void kn_lookup_dotprod (KnMatmulFamily *family);
void kn_attn_dotprod (KnAttnFamily *f);
