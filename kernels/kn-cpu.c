/* Which instruction sets this machine can run.
 *
 * Called by the kernel table and by the checks. Must know nothing of the kernels themselves: a
 * level is a property of the processor, of the operating system that saves its registers, and of
 * the architecture this file was compiled for. */
#include "kn-cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const char *const level_names[KN_N_LEVELS] = {
  [KN_LEVEL_C] = "c",       [KN_LEVEL_AVX2] = "avx2",       [KN_LEVEL_AVX512] = "avx512",
  [KN_LEVEL_NEON] = "neon", [KN_LEVEL_DOTPROD] = "dotprod",
};

const char *
kn_level_name (KnLevel level)
{
  return (unsigned)level < KN_N_LEVELS ? level_names[level] : "unknown";
}

#if defined(__x86_64__)

#define HAS(reg, bits) (((reg) & (bits)) == (bits))

/* The register state that the operating system saves at a context switch (XCR0). A processor may
 * have AVX-512 while the system does not save its registers; using them would then corrupt other
 * processes' numbers. */
static uint32_t
saved_state (void)
{
  uint32_t lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return lo;
}

static int
x86_available (KnLevel level)
{
  const uint32_t ymm_state = 0x06;        /* SSE and AVX registers */
  const uint32_t zmm_state = 0xe0 | 0x06; /* and mask registers, upper halves, registers 16..31 */
  const uint32_t ecx1 = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
  const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  uint32_t eax, ebx, ecx, edx;

  if (!__get_cpuid (1, &eax, &ebx, &ecx, &edx) || !HAS (ecx, ecx1))
    return 0;
  const uint32_t saved = saved_state ();
  if (!__get_cpuid_count (7, 0, &eax, &ebx, &ecx, &edx))
    return 0;

  if (level == KN_LEVEL_AVX2)
    return HAS (ebx, bit_AVX2) && HAS (saved, ymm_state);
  return HAS (ebx, bit_AVX2 | avx512) && HAS (ecx, bit_AVX512VNNI) && HAS (saved, zmm_state);
}

int
kn_has_vbmi2 (void)
{
  uint32_t eax, ebx, ecx, edx;

  return x86_available (KN_LEVEL_AVX512) && __get_cpuid_count (7, 0, &eax, &ebx, &ecx, &edx)
         && HAS (ecx, bit_AVX512VBMI2);
}

#else

int
kn_has_vbmi2 (void)
{
  return 0;
}

#endif

#if defined(__aarch64__)

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1UL << 20)
#endif

#endif

int
kn_level_available (KnLevel level)
{
  switch (level)
    {
    case KN_LEVEL_C:
      return 1;
    case KN_LEVEL_AVX2:
    case KN_LEVEL_AVX512:
#if defined(__x86_64__)
      return x86_available (level);
#else
      return 0;
#endif
    case KN_LEVEL_NEON: /* part of the Armv8-A baseline */
#if defined(__aarch64__)
      return 1;
#else
      return 0;
#endif
    case KN_LEVEL_DOTPROD:
#if defined(__aarch64__)
      return (getauxval (AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
      return 0;
#endif
    case KN_N_LEVELS:
    default:
      return 0;
    }
}
