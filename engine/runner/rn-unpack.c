/* The runner in its packed form, of processors whose kernels are many (x86-64: three instruction
 * sets): the program lies here deflated (RFC 1951), is inflated into memory of its own and executed
 * from there. So half as much travels to a board and nothing runs slower for it. Alone without the
 * C library, which would be a third of it; knows nothing of what it unpacks. */
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "rn-payload.h"

#if !defined(__x86_64__)
#error "only x86-64 has a packed runner"
#endif

/* ---- The system ---- */

static long
call (long number, long a, long b, long c, long d, long e, long f)
{
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;

  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define MEMFD_CLOEXEC 1
#define PROT_READ_WRITE 3
#define MAP_SHARED_FLAG 1
#define AT_EMPTY_PATH_FLAG 0x1000
#define EXIT_FAILED 1

static void
fail (const char *text, size_t n)
{
  call (__NR_write, 2, (long)text, (long)n, 0, 0, 0);
  call (__NR_exit_group, EXIT_FAILED, 0, 0, 0, 0, 0);
  __builtin_unreachable ();
}

#define FAIL(text) fail ("lathe-runner: " text "\n", sizeof "lathe-runner: " text)

/* ---- Inflating ---- */

#define MAX_BITS 15
#define N_LENGTHS 288
#define N_DISTANCES 32

typedef struct
{
  const uint8_t *next, *end;
  uint64_t bits;
  unsigned n_bits;
  uint8_t *out, *out_end, *out_start;
} Inflate;

/* Whatever code a word of 15 bits begins with: its symbol << 4 | its length; 0: none does. */
static uint16_t length_table[1 << MAX_BITS], distance_table[1 << MAX_BITS];

static void
refill (Inflate *z)
{
  while (z->n_bits <= 56)
    {
      z->bits |= (uint64_t)(z->next < z->end ? *z->next : 0) << z->n_bits;
      z->next++;
      z->n_bits += 8;
    }
}

static unsigned
take (Inflate *z, unsigned n)
{
  unsigned value = (unsigned)(z->bits & ((1ull << n) - 1));

  z->bits >>= n;
  z->n_bits -= n;
  return value;
}

/* Canonical Huffman codes (RFC 1951, 3.2.2), bits reversed as they come. */
static void
make_table (uint16_t *table, const uint8_t *lengths, unsigned n)
{
  unsigned n_of[MAX_BITS + 1] = { 0 }, next[MAX_BITS + 2] = { 0 };

  for (unsigned i = 0; i < n; i++)
    n_of[lengths[i]]++;
  n_of[0] = 0;
  for (unsigned b = 1; b <= MAX_BITS; b++)
    next[b + 1] = (next[b] + n_of[b]) << 1;
  for (unsigned i = 0; i < 1u << MAX_BITS; i++)
    table[i] = 0;
  for (unsigned i = 0; i < n; i++)
    {
      unsigned length = lengths[i], code, reversed = 0;
      if (length == 0)
        continue;
      code = next[length]++;
      for (unsigned b = 0; b < length; b++)
        reversed |= (code >> b & 1) << (length - 1 - b);
      for (unsigned at = reversed; at < 1u << MAX_BITS; at += 1u << length)
        table[at] = (uint16_t)(i << 4 | length);
    }
}

static unsigned
take_symbol (Inflate *z, const uint16_t *table)
{
  unsigned entry = table[z->bits & ((1u << MAX_BITS) - 1)];

  if (entry == 0)
    FAIL ("the program is damaged: copy it again");
  take (z, entry & 15);
  return entry >> 4;
}

static void
make_fixed_tables (void)
{
  uint8_t lengths[N_LENGTHS];

  for (unsigned i = 0; i < N_LENGTHS; i++)
    lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  make_table (length_table, lengths, N_LENGTHS);
  for (unsigned i = 0; i < N_DISTANCES; i++)
    lengths[i] = 5;
  make_table (distance_table, lengths, N_DISTANCES);
}

static void
read_tables (Inflate *z)
{
  static const uint8_t order[19]
      = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
  uint8_t lengths[N_LENGTHS + N_DISTANCES] = { 0 };

  refill (z);
  unsigned n_lengths = take (z, 5) + 257, n_distances = take (z, 5) + 1, n_codes = take (z, 4) + 4;
  for (unsigned i = 0; i < n_codes; i++)
    {
      refill (z);
      lengths[order[i]] = (uint8_t)take (z, 3);
    }
  make_table (length_table, lengths, 19);
  for (unsigned i = 0; i < 19; i++)
    lengths[i] = 0;
  for (unsigned i = 0; i < n_lengths + n_distances;)
    {
      refill (z);
      unsigned symbol = take_symbol (z, length_table);
      uint8_t value = symbol < 16 ? (uint8_t)symbol : symbol == 16 && i > 0 ? lengths[i - 1] : 0;
      unsigned n = symbol < 16    ? 1
                   : symbol == 16 ? 3 + take (z, 2)
                   : symbol == 17 ? 3 + take (z, 3)
                                  : 11 + take (z, 7);
      while (n-- > 0 && i < sizeof lengths)
        lengths[i++] = value;
    }
  make_table (length_table, lengths, n_lengths);
  make_table (distance_table, lengths + n_lengths, n_distances);
}

static void
copy_back (Inflate *z, unsigned symbol)
{
  static const uint16_t bases[] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
  static const uint8_t extras[]
      = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
  if (symbol - 257 >= sizeof extras)
    FAIL ("the program is damaged: copy it again");
  size_t n = bases[symbol - 257] + take (z, extras[symbol - 257]);
  unsigned code = take_symbol (z, distance_table), extra = code < 4 ? 0 : code / 2 - 1;
  size_t distance = code < 4 ? code + 1 : ((size_t)(2 + code % 2) << extra) + 1;

  refill (z);
  distance += take (z, extra);
  if (code >= 30 || distance > (size_t)(z->out - z->out_start) || n > (size_t)(z->out_end - z->out))
    FAIL ("the program is damaged: copy it again");
  for (; n > 0; n--, z->out++)
    *z->out = *(z->out - distance);
}

static void
inflate_codes (Inflate *z)
{
  for (;;)
    {
      refill (z);
      unsigned symbol = take_symbol (z, length_table);
      if (symbol == 256)
        return;
      if (symbol > 256)
        copy_back (z, symbol);
      else if (z->out < z->out_end)
        *z->out++ = (uint8_t)symbol;
      else
        FAIL ("the program is damaged: copy it again");
    }
}

static void
inflate_stored (Inflate *z)
{
  take (z, z->n_bits % 8);
  refill (z);
  unsigned n = take (z, 16);
  take (z, 16);
  for (; n > 0 && z->out < z->out_end; n--)
    {
      refill (z);
      *z->out++ = (uint8_t)take (z, 8);
    }
}

static void
inflate_all (Inflate *z)
{
  unsigned is_last;

  do
    {
      refill (z);
      is_last = take (z, 1);
      unsigned kind = take (z, 2);
      if (kind == 0)
        inflate_stored (z);
      else if (kind == 1)
        make_fixed_tables ();
      else if (kind == 2)
        read_tables (z);
      else
        FAIL ("the program is damaged: copy it again");
      if (kind != 0)
        inflate_codes (z);
    }
  while (!is_last);
}

/* CRC-32 (IEEE 802.3), eight bits at a time. */
static uint32_t
sum (const uint8_t *bytes, size_t n)
{
  static uint32_t table[256];
  uint32_t crc = ~0u;

  for (uint32_t i = 0; i < 256; i++)
    {
      table[i] = i;
      for (int b = 0; b < 8; b++)
        table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
  for (size_t i = 0; i < n; i++)
    crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
  return ~crc;
}

/* ---- The program ---- */

/* @stack: as the kernel leaves it: number of arguments, those, NULL, environment. */
void rn_unpack_start (long *stack);

__attribute__ ((used, noreturn)) void
rn_unpack_start (long *stack)
{
  long *arguments = stack + 1, *environment = stack + stack[0] + 2;
  long fd = call (__NR_memfd_create, (long)"lathe-runner", MEMFD_CLOEXEC, 0, 0, 0, 0);

  if (fd < 0 || call (__NR_ftruncate, fd, RN_PAYLOAD_RAW_BYTES, 0, 0, 0, 0) != 0)
    FAIL ("this system gives no memory to unpack into (memfd_create)");
  long place = call (__NR_mmap, 0, RN_PAYLOAD_RAW_BYTES, PROT_READ_WRITE, MAP_SHARED_FLAG, fd, 0);
  if (place < 0 && place > -4096)
    FAIL ("no memory to unpack into");
  uint8_t *out = (uint8_t *)place;
  Inflate z = { .next = rn_payload,
                .end = rn_payload_end,
                .out = out,
                .out_start = out,
                .out_end = out + RN_PAYLOAD_RAW_BYTES };
  inflate_all (&z);
  if (z.out != z.out_end || sum (out, RN_PAYLOAD_RAW_BYTES) != RN_PAYLOAD_CRC)
    FAIL ("the program is damaged: copy it again");
  call (__NR_munmap, place, RN_PAYLOAD_RAW_BYTES, 0, 0, 0, 0);
  call (__NR_execveat, fd, (long)"", (long)arguments, (long)environment, AT_EMPTY_PATH_FLAG, 0);
  FAIL ("this system does not execute programs from memory (vm.memfd_noexec)");
  __builtin_unreachable ();
}

__asm__(".text\n"
        ".global _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call rn_unpack_start\n");

/* The compiler may call these for loops and initializers. They must not become calls of themselves:
 * the places are volatile. */
void *memset (void *place, int value, size_t n);
void *memcpy (void *to, const void *from, size_t n);

void *
memset (void *place, int value, size_t n)
{
  for (size_t i = 0; i < n; i++)
    ((volatile uint8_t *)place)[i] = (uint8_t)value;
  return place;
}

void *
memcpy (void *to, const void *from, size_t n)
{
  for (size_t i = 0; i < n; i++)
    ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}
