/* From reset to board_main(): the vector table, memory, the floating-point unit, faults.
 *
 * The stack lies at the lowest addresses of RAM, so that one that grows too far leaves RAM and
 * stops with a fault instead of writing over variables. It is painted, so that how much was used
 * can be counted. */
#include "board.h"

#define PAINT 0xC5C5C5C5u

/* link.ld */
extern uint32_t __stack_bottom[], __stack_top[];
extern uint32_t __data_load[], __data_start[], __data_end[];
extern uint32_t __bss_start[], __bss_end[];

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define CPACR REGISTER (0xE000ED88u)
#define CCR REGISTER (0xE000ED14u)
#define CFSR REGISTER (0xE000ED28u)
#define MMFAR REGISTER (0xE000ED34u)
#define BFAR REGISTER (0xE000ED38u)

void board_reset (void);
void board_fault (void);
void board_tick (void);

/* ---- stack ---- */

uint32_t
board_stack_bytes (void)
{
  return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_bottom);
}

uint32_t
board_stack_used_bytes (void)
{
  const uint32_t *word = __stack_bottom;

  while (word < __stack_top && *word == PAINT)
    word++;
  return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

uint32_t
board_ram_used_bytes (void)
{
  return board_stack_bytes () + (uint32_t)((uintptr_t)__data_end - (uintptr_t)__data_start)
         + (uint32_t)((uintptr_t)__bss_end - (uintptr_t)__bss_start);
}

/* ---- reset ---- */

static void
paint_stack (void)
{
  uint32_t *const top = __builtin_frame_address (0);

  for (uint32_t *word = __stack_bottom; word < top - 16; word++)
    *(volatile uint32_t *)word = PAINT;
}

static void
set_up_memory (void)
{
  const volatile uint32_t *from = __data_load;

  for (volatile uint32_t *to = __data_start; to < __data_end; to++)
    *to = *from++;
  for (volatile uint32_t *to = __bss_start; to < __bss_end; to++)
    *to = 0;
}

void
board_reset (void)
{
  CPACR |= 0xFu << 20; /* coprocessors 10 and 11: floats, and MVE with them */
#if defined __ARM_ARCH_8_1M_MAIN__
  CCR |= 1u << 18 | 1u << 19; /* branch prediction, low-overhead loops */
  __asm__ volatile("msr msplim, %0" ::"r"(__stack_bottom));
#endif
  __asm__ volatile("dsb\n isb" ::: "memory");
  paint_stack ();
  set_up_memory ();
  clock_start ();
  host_exit (board_main ());
}

/* ---- faults ---- */

static void
put_hex (char *to, uint32_t value)
{
  for (int32_t i = 7; i >= 0; i--, value >>= 4)
    to[i] = "0123456789abcdef"[value & 15];
}

/* @frame: what the processor saved, r0-r3, r12, lr, pc, xpsr. */
__attribute__ ((used)) static void
report_fault (const uint32_t *frame)
{
  static char message[] = "The program stopped with a fault at 0x........, status 0x........, "
                          "address 0x........";
  const bool is_frame = frame >= __stack_bottom && frame + 8 <= __stack_top;

  put_hex (message + 38, is_frame ? frame[6] : 0);
  put_hex (message + 57, CFSR);
  put_hex (message + 77, CFSR & 1u << 7 ? MMFAR : BFAR); /* of the protection unit, of the bus */
  tell_error ("memory", is_frame ? "fault" : "stack",
              is_frame ? message
                       : "The stack is full: give the board's linker script a larger one "
                         "(--defsym=__stack_size=BYTES).");
  tell_end ("failed");
  host_exit (1);
}

/* The stack may be what is wrong: begin again at its top. */
__attribute__ ((naked)) void
board_fault (void)
{
  __asm__ volatile("mrs r0, msp\n"
#if defined __ARM_ARCH_8_1M_MAIN__
                   "movs r1, #0\n"
                   "msr msplim, r1\n"
#endif
                   "ldr r1, =__stack_top\n"
                   "mov sp, r1\n"
                   "b report_fault\n");
}

/* ---- vectors: Armv7-M and Armv8-M Architecture Reference Manuals, exception model ---- */

typedef void (*Vector) (void);

__attribute__ ((section (".vectors"), used)) static const Vector vectors[16] = {
  [0] = (Vector)(uintptr_t)__stack_top,
  [1] = board_reset,
  [2] = board_fault,  /* NMI */
  [3] = board_fault,  /* hard fault */
  [4] = board_fault,  /* memory management */
  [5] = board_fault,  /* bus */
  [6] = board_fault,  /* usage */
  [7] = board_fault,  /* security */
  [11] = board_fault, /* SVC */
  [12] = board_fault, /* debug monitor */
  [14] = board_fault, /* PendSV */
  [15] = board_tick,
};
