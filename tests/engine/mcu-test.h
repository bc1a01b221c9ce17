/* What the tests of generated code share: a network of the test data as a bare build, samples for
 * it, its outputs on this computer and on an emulated board. */
#pragma once

#include "eng-test.h"
#include "mcu/eng-mcu.h"
#include "rt-work.h"

typedef struct
{
  EngBuild *build, *bare;
  RtValueId input, output; /* of the bare graph: it has one of each */
  gsize input_bytes, output_bytes;
} McuNetwork;

/* With @techniques of a recipe ("{}"). FALSE after marking the test as skipped. */
gboolean mcu_network_open (McuNetwork *network, const char *file, const char *techniques);
void mcu_network_close (McuNetwork *network);

/* @n samples one after the other, and their classes (-1: none). */
typedef struct
{
  GByteArray *bytes;
  GArray *labels; /* int */
  guint n;
  guint n_steps; /* that belong together: states begin again with each such group */
} McuSamples;

/* Labelled samples of the test data: bytes as they are, pictures as codes that are 128 less than
 * their channels. FALSE after marking the test as skipped. */
gboolean mcu_samples_load (McuSamples *samples, const McuNetwork *network, const char *file,
                           guint n);
void mcu_samples_fill (McuSamples *samples, const McuNetwork *network, guint n); /* random ones */
void mcu_samples_clear (McuSamples *samples);

/* [n] outputs, one after the other. */
GByteArray *mcu_host_outputs (const McuNetwork *network, const McuSamples *samples);

/* What a board said. */
typedef struct
{
  GByteArray *outputs;
  GString *text;       /* all of it */
  guint64 n_cycles;    /* of the first inference */
  guint64 stack_bytes; /* the most that was used */
  gboolean is_complete;
} McuAnswer;

void mcu_answer_clear (McuAnswer *answer);

/* FALSE after marking the test as skipped: no compiler, no emulator. */
gboolean mcu_have_tools (void);
EngDevice *mcu_device (const char *board, const char *timeout); /* the virtual board */
/* Run @elf on @board with @samples; fails the test on any error. */
void mcu_board_outputs (const char *board, const char *elf, const McuSamples *samples,
                        McuAnswer *answer);
guint mcu_n_right (const GByteArray *outputs, const McuSamples *samples);
