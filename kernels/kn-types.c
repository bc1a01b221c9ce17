/* The table of storage formats. Everything that asks "how long is a row of Q4_0" ends here; nothing
 * here knows what the bytes of a block mean (kn-dequant.c does). */
#include "kn-types.h"

#include <strings.h>

static const KnDtypeInfo infos[] = {
  { KN_F32, "F32", 1, 4 },
  { KN_F16, "F16", 1, 2 },
  { KN_BF16, "BF16", 1, 2 },
  { KN_Q8_0, "Q8_0", 32, 34 },
  { KN_Q4_0, "Q4_0", 32, 18 },
  { KN_Q4_1, "Q4_1", 32, 20 },
  { KN_Q5_0, "Q5_0", 32, 22 },
  { KN_Q5_1, "Q5_1", 32, 24 },
  { KN_Q4_K, "Q4_K", 256, 144 },
  { KN_Q5_K, "Q5_K", 256, 176 },
  { KN_Q6_K, "Q6_K", 256, 210 },
  { KN_I8, "I8", 1, 1 },
  { KN_Q2_K, "Q2_K", 256, 84 },
  { KN_Q3_K, "Q3_K", 256, 110 },
  { KN_TQ1_0, "TQ1_0", 256, 54 },
  { KN_TQ2_0, "TQ2_0", 256, 66 },
  { KN_MXFP4, "MXFP4", 32, 17 },
  { KN_Q2_64, "Q2_64", 64, 24 },
  { KN_Q3_64, "Q3_64", 64, 28 },
  { KN_Q1_64, "Q1_64", 64, 10 },
  { KN_F8_E4M3, "F8_E4M3", 32, 34 },
  { KN_F8_E5M2, "F8_E5M2", 32, 34 },
  /* Rows are those of Q8_0 and Q4_0 (kn-sparse.h). */
  { KN_Q8_SPARSE, "Q8_SPARSE", 32, 34 },
  { KN_Q8_2_4, "Q8_2_4", 32, 34 },
  { KN_Q8_4_8, "Q8_4_8", 32, 34 },
  { KN_Q4_SPARSE, "Q4_SPARSE", 32, 18 },
  { KN_W8A8, "W8A8", 32, 32, 4 },
  { KN_W4A8, "W4A8", 32, 16, 4 },
  { KN_Q8_CHANNELS, "Q8_CHANNELS", 32, 34 },
  { KN_Q8_ROWS, "Q8_ROWS", 32, 34 },
  /* Rows are those of the formats they are named after (kn-lookup.h). */
  { KN_Q4_0_LUT, "Q4_0_LUT", 32, 18 },
  { KN_Q2_K_LUT, "Q2_K_LUT", 256, 84 },
  { KN_Q2_64_LUT, "Q2_64_LUT", 64, 24 },
  { KN_Q3_K_LUT, "Q3_K_LUT", 256, 110 },
  { KN_Q3_64_LUT, "Q3_64_LUT", 64, 28 },
  { KN_TQ2_0_LUT, "TQ2_0_LUT", 256, 66 },
  { KN_Q1_64_LUT, "Q1_64_LUT", 64, 10 },
};

#define N_INFOS (sizeof infos / sizeof infos[0])

const KnDtypeInfo *
kn_dtype_info (int dtype)
{
  for (size_t i = 0; i < N_INFOS; i++)
    if ((int)infos[i].dtype == dtype)
      return &infos[i];
  return NULL;
}

int
kn_dtype_from_name (const char *name)
{
  for (size_t i = 0; i < N_INFOS; i++)
    if (strcasecmp (infos[i].name, name) == 0)
      return (int)infos[i].dtype;
  return -1;
}

size_t
kn_row_bytes (KnDtype dtype, size_t n)
{
  const KnDtypeInfo *info = kn_dtype_info ((int)dtype);

  if (info == NULL || n % info->block_len != 0)
    return 0;
  return info->header_bytes + n / info->block_len * info->block_bytes;
}
