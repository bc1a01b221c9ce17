/* Board: what a device is, as its runner (or, of a microcontroller, its profile) tells. Facts only:
 * what the board does not tell is absent with the reason. Immutable; reference counted. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-machine.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_BOARD_LINUX,           /* runs the runner on a build's file */
  ENG_BOARD_MICROCONTROLLER, /* runs C code generated from a build */
} EngBoardKind;

/* One power, temperature or clock sensor; or why there is none of that sort. */
typedef struct
{
  char *what;   /* "power", "temperature", "clock" */
  char *name;   /* "rapl: package-0"; NULL: none */
  char *reason; /* NULL: it is there */
} EngBoardSensor;

typedef struct
{
  gatomicrefcount ref_count;
  EngBoardKind kind;
  gboolean emulated; /* times are of an emulator and tell nothing of hardware */
  char *cpu;         /* "Cortex-A72"; NULL: the system does not say */
  char *machine;     /* "aarch64", "x86_64", "riscv64", "cortex-m4" */
  char *isa;         /* what the kernels use: "neon", "dsp" */
  char *system;      /* "Linux 6.1.21"; NULL: none */
  guint n_cpus;
  guint64 memory_bytes;    /* of the board: RAM */
  guint64 available_bytes; /* of it, at the time; 0: not known */
  guint64 flash_bytes;     /* microcontrollers; 0: does not apply */
  guint64 free_bytes;      /* space where builds go; 0: does not apply */
  gboolean limited;        /* 0 of free_bytes are none at all: something there keeps count */
  guint64 quota_bytes;     /* of all files of Lathe there, where that is the limit of the space;
                            * 0: the disk is */
  guint64 kept_bytes;      /* of builds there that can make way; 0: none, or not known */
  double clock_hz;         /* NAN: unavailable */
  gint64 time_s;           /* the board's own clock, Unix seconds; 0: it has none */
  gint64 told_s;           /* this computer's clock when it was told, Unix seconds; 0: it was not */
  char *governor;          /* NULL: unavailable */
  GPtrArray *sensors;      /* EngBoardSensor */
  EngCache caches[RT_MAX_CACHES]; /* nearest first */
  guint n_caches;                 /* 0: not known */
} EngBoard;

#define ENG_TYPE_BOARD (eng_board_get_type ())
GType eng_board_get_type (void);
EngBoard *eng_board_ref (EngBoard *board);
void eng_board_unref (EngBoard *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBoard, eng_board_unref)

EngBoard *eng_board_new (EngBoardKind kind); /* nothing known */
void eng_board_add_sensor (EngBoard *board, const char *what, const char *name, const char *reason);
/* Why there is no sensor of the sort @what; NULL: there is one. Borrowed. */
const char *eng_board_get_missing (const EngBoard *board, const char *what);
/* The telemetry line "board" (engine/runner/TELEMETRY.md); NULL and @error: a member is missing or
 * out of its range. */
EngBoard *eng_board_from_json (JsonObject *line, GError **error);
/* What runs keep as their machine, the same fields as eng_machine_to_json() where they have the
 * same meaning, and "device" (@name), "emulated". */
char *eng_board_to_machine_json (EngBoard *board, const char *name, const char *transport);

G_END_DECLS
