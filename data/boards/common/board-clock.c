/* Cycles: of the DWT's counter where the chip has one that counts, else of SysTick, which runs at
 * the processor's clock. Emulators have SysTick alone. */
#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYST_CSR REGISTER (0xE000E010u)
#define SYST_RVR REGISTER (0xE000E014u)
#define SYST_CVR REGISTER (0xE000E018u)
#define DEMCR REGISTER (0xE000EDFCu)
#define DWT_CTRL REGISTER (0xE0001000u)
#define DWT_CYCCNT REGISTER (0xE0001004u)

#define SYSTICK_MOST 0xFFFFFFu

void board_tick (void);

static bool has_counter;
static volatile uint32_t n_wraps;   /* of SysTick */
static volatile uint64_t counted;   /* cycles until the counter was last looked at */
static volatile uint32_t last_look; /* the counter then */

static bool
start_counter (void)
{
  DEMCR |= 1u << 24;
  if (DWT_CTRL & 1u << 25) /* NOCYCCNT */
    return false;
  DWT_CYCCNT = 0;
  DWT_CTRL |= 1;
  const uint32_t before = DWT_CYCCNT;
  for (volatile uint32_t i = 0; i < 10; i++)
    ;
  return DWT_CYCCNT != before;
}

void
clock_start (void)
{
  has_counter = start_counter ();
  last_look = DWT_CYCCNT;
  SYST_RVR = SYSTICK_MOST;
  SYST_CVR = 0;
  SYST_CSR = 7; /* the processor's clock, an interrupt at zero, on */
}

/* The counter has 32 bits and wraps within a minute: SysTick's interrupt looks at it often enough.
 */
static uint64_t
counter_cycles (void)
{
  uint32_t mask;

  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask)::"memory");
  const uint32_t now = DWT_CYCCNT;
  counted += now - last_look;
  last_look = now;
  const uint64_t result = counted;
  __asm__ volatile("msr primask, %0" ::"r"(mask) : "memory");
  return result;
}

void
board_tick (void)
{
  n_wraps++;
  if (has_counter)
    counter_cycles ();
}

uint64_t
clock_cycles (void)
{
  uint32_t wraps, left;

  if (has_counter)
    return counter_cycles ();
  do
    {
      wraps = n_wraps;
      left = SYST_CVR;
    }
  while (wraps != n_wraps);
  return ((uint64_t)wraps << 24) + (SYSTICK_MOST - left);
}

uint64_t
clock_ns (uint64_t cycles)
{
  const uint64_t seconds = cycles / BOARD_CLOCK_HZ, rest = cycles % BOARD_CLOCK_HZ;

  return seconds * 1000000000u + rest * 1000000000u / BOARD_CLOCK_HZ;
}

const char *
clock_source (void)
{
  return has_counter ? "DWT" : "SysTick";
}
