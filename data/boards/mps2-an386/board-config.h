/* Arm MPS2+ with a Cortex-M4 (application note 386), also as QEMU emulates it. */
#pragma once

#define BOARD_NAME "mps2-an386"
#define BOARD_CPU "Cortex-M4"
#define BOARD_MACHINE "cortex-m4"
#define BOARD_CLOCK_HZ 25000000u
#define BOARD_FLASH_BYTES (4u << 20)
#define BOARD_RAM_BYTES (4u << 20)
