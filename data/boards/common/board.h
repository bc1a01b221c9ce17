/* What a board offers to the program on it: a channel to the computer (semihosting), a clock,
 * telemetry. Freestanding; one network, no heap, no operating system.
 *
 * board-config.h of each board's folder says: BOARD_NAME, BOARD_CPU, BOARD_MACHINE, BOARD_CLOCK_HZ,
 * BOARD_FLASH_BYTES, BOARD_RAM_BYTES. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board-config.h"

/* Set by who builds for an emulator: its times tell nothing of hardware. */
#ifndef BOARD_EMULATED
#define BOARD_EMULATED 0
#endif

/* ---- board-start.c ---- */

/* The program, after memory is set up. Its result is the exit status. */
int board_main (void);

/* Bytes of the stack, and how many of them were ever used. */
uint32_t board_stack_bytes (void);
uint32_t board_stack_used_bytes (void);
/* RAM that variables and the stack take. */
uint32_t board_ram_used_bytes (void);

/* ---- board-host.c: files of the computer at the other end of the probe ---- */

int32_t host_open (const char *path, bool write); /* < 0: it cannot be opened */
/* Bytes that were read; fewer at the end of the file. */
uint32_t host_read (int32_t file, void *to, uint32_t n);
bool host_write (int32_t file, const void *from, uint32_t n);
bool host_seek (int32_t file, uint32_t offset);
void host_close (int32_t file);
/* "PROGRAM REST OF LINE"; false: none was given. */
bool host_command_line (char *to, uint32_t n);
_Noreturn void host_exit (int status);

/* ---- board-clock.c ---- */

void clock_start (void);
/* Processor cycles since clock_start(): of the cycle counter where there is one, else of SysTick.
 */
uint64_t clock_cycles (void);
uint64_t clock_ns (uint64_t cycles);
/* "DWT" or "SysTick". */
const char *clock_source (void);

/* ---- board-telemetry.c: JSON lines to the computer's standard output ---- */

void line_begin (const char *kind);
void line_uint (const char *name, uint64_t value); /* @name NULL: an element of an array */
void line_int (const char *name, int64_t value);
void line_bool (const char *name, bool value);
void line_null (const char *name);
void line_string (const char *name, const char *text);
void line_thousandths (const char *name, uint32_t value); /* 250: 0.250 */
void line_base64 (const char *name, const void *bytes, uint32_t n);
void line_open (const char *name, char bracket); /* '[' or '{' */
void line_close (char bracket);
void line_end (void);

/* ---- whole lines ---- */

void tell_hello (const char *command);
void tell_board (void);
void tell_stage (const char *stage, uint32_t done, uint32_t all);
void tell_error (const char *code, const char *where, const char *message);
void tell_end (const char *status);
