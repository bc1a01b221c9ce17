/* Arm MPS3 with a Cortex-M55 (application note 547), also as QEMU emulates it. */
#pragma once

#define BOARD_NAME "mps3-an547"
#define BOARD_CPU "Cortex-M55"
#define BOARD_MACHINE "cortex-m55"
#define BOARD_CLOCK_HZ 32000000u
#define BOARD_FLASH_BYTES (2560u << 10) /* instruction TCM and SRAM */
#define BOARD_RAM_BYTES (512u << 10)
