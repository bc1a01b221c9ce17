/* Semihosting: the breakpoint that the debug probe, or the emulator, takes as a call (Arm,
 * "Semihosting for AArch32 and AArch64"). Without a probe it stops with a fault. */
#include "board.h"

enum
{
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_SEEK = 0x0A,
  SYS_GET_CMDLINE = 0x15,
  SYS_EXIT_EXTENDED = 0x20,
};

#define APPLICATION_EXIT 0x20026u

static int32_t
call (uint32_t operation, const void *block)
{
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = block;

  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return (int32_t)r0;
}

static uint32_t
length (const char *text)
{
  uint32_t n = 0;

  while (text[n] != '\0')
    n++;
  return n;
}

int32_t
host_open (const char *path, bool write)
{
  const uintptr_t block[] = { (uintptr_t)path, write ? 4 : 1 /* "w", "rb" */, length (path) };

  return call (SYS_OPEN, block);
}

uint32_t
host_read (int32_t file, void *to, uint32_t n)
{
  const uintptr_t block[] = { (uintptr_t)file, (uintptr_t)to, n };
  const int32_t left = n > 0 ? call (SYS_READ, block) : 0;

  return left < 0 || (uint32_t)left > n ? 0 : n - (uint32_t)left;
}

bool
host_write (int32_t file, const void *from, uint32_t n)
{
  const uintptr_t block[] = { (uintptr_t)file, (uintptr_t)from, n };

  return n == 0 || call (SYS_WRITE, block) == 0;
}

bool
host_seek (int32_t file, uint32_t offset)
{
  const uintptr_t block[] = { (uintptr_t)file, offset };

  return call (SYS_SEEK, block) == 0;
}

void
host_close (int32_t file)
{
  const uintptr_t block[] = { (uintptr_t)file };

  call (SYS_CLOSE, block);
}

bool
host_command_line (char *to, uint32_t n)
{
  const uintptr_t block[] = { (uintptr_t)to, n };

  to[0] = '\0';
  return call (SYS_GET_CMDLINE, block) == 0 && to[0] != '\0';
}

void
host_exit (int status)
{
  const uintptr_t block[] = { APPLICATION_EXIT, (uintptr_t)status };

  for (;;)
    call (SYS_EXIT_EXTENDED, block);
}
