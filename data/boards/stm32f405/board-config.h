/* STM32F405 and STM32F407, on whatever board, as they come out of reset: on the internal oscillator
 * of 16 MHz, at which flash needs no wait states (ST, RM0090). Memory is what lies in one piece. */
#pragma once

#define BOARD_NAME "stm32f405"
#define BOARD_CPU "Cortex-M4"
#define BOARD_MACHINE "cortex-m4"
#define BOARD_CLOCK_HZ 16000000u
#define BOARD_FLASH_BYTES (1u << 20)
#define BOARD_RAM_BYTES (128u << 10)
