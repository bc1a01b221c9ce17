/* nRF52840, on whatever board: its processor runs at 64 MHz from reset on (Nordic, nRF52840 product
 * specification). */
#pragma once

#define BOARD_NAME "nrf52840"
#define BOARD_CPU "Cortex-M4"
#define BOARD_MACHINE "cortex-m4"
#define BOARD_CLOCK_HZ 64000000u
#define BOARD_FLASH_BYTES (1u << 20)
#define BOARD_RAM_BYTES (256u << 10)
