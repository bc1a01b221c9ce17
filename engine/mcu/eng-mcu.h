/* C code for microcontrollers from a build: what it would take on a board, a folder to take away,
 * and an image to run.
 *
 *     bare build ──► layers with kernels of the target ──► plan (arena, patches) ──► folder ──► ELF
 *
 * For networks of 8-bit integers with fixed shapes. Everything that could go wrong is found before
 * anything is written: operators without a kernel by name and place, a float network with what to
 * do, an arena that does not fit. The same build gives the same bytes. */
#pragma once

#include "eng-build.h"
#include "eng-device.h"
#include "eng-job.h"

G_BEGIN_DECLS

/* ---- sizes: one definition per number ---- */

typedef enum
{
  ENG_MCU_WEIGHTS,
  ENG_MCU_CODE,
  ENG_MCU_FLASH,
  ENG_MCU_ARENA,
  ENG_MCU_STATIC,
  ENG_MCU_STACK,
  ENG_MCU_RAM,
  ENG_MCU_N_SIZES
} EngMcuSizeKind;

/* "weights", "arena"; and one sentence that says what is counted. */
const char *eng_mcu_size_name (EngMcuSizeKind kind);
const char *eng_mcu_size_definition (EngMcuSizeKind kind);

typedef enum
{
  ENG_MCU_UNKNOWN,   /* nothing is known yet; bytes is 0 and means nothing */
  ENG_MCU_ESTIMATED, /* by a rule, before linking */
  ENG_MCU_PLANNED,   /* exact, from the plan */
  ENG_MCU_LINKED,    /* read from the linked ELF file, or from what the compiler says of it */
} EngMcuOrigin;
const char *eng_mcu_origin_name (EngMcuOrigin origin); /* "estimate", "plan", "linked" */

typedef struct
{
  guint64 bytes;
  EngMcuOrigin origin;
} EngMcuSize;

/* One layer of the generated program, in order. */
typedef struct
{
  char *name;            /* the node's */
  RtNodeId node;         /* of the bare build's executed graph */
  char *op;              /* "Convolution, 8-bit" */
  guint64 live_bytes;    /* of the arena while it runs, its scratch included */
  guint64 scratch_bytes; /* of that */
  guint64 weight_bytes;  /* constants that it alone reads */
  guint64 macs;          /* multiply-adds of one inference, padding counted, halos included */
  gboolean is_patched;   /* one of the first stages that run patch by patch */
} EngMcuLayer;

/* First stages that are computed patch by patch, or (rows and columns 1) not. */
typedef struct
{
  guint n_nodes; /* how many layers run so */
  char *until;   /* the last of them; NULL: none does */
  guint rows, columns;
  guint64 arena_bytes; /* the peak */
  guint64 ram_bytes;   /* with static data and stack: a ram_limit of so much, and no more than
                        * the board has, makes the plan choose it */
  guint64 macs;        /* of an inference */
  guint64 extra_macs;  /* of that, recomputed in halos */
  gboolean fits;       /* the board's RAM, with static data and stack */
  gboolean is_chosen;
} EngMcuPatches;

typedef struct
{
  gatomicrefcount ref_count;
  char *board, *title;            /* "mps2-an386", "Cortex-M4 (MPS2 AN386)" */
  char *isa;                      /* "dsp" */
  char *model;                    /* file name without its folder */
  char *build_hash;               /* of the bare build */
  char *run_id;                   /* NULL: it came from no run */
  guint64 flash_limit, ram_limit; /* bytes of the board, or what was allowed of them */
  guint64 board_ram;              /* bytes that it has */
  EngMcuSize sizes[ENG_MCU_N_SIZES];
  GPtrArray *layers;  /* EngMcuLayer */
  GPtrArray *patches; /* EngMcuPatches: the choices worth having, peak against recomputation, the
                       * one without patches first */
  char *peak_layer;   /* where the arena is fullest */
} EngMcuReport;

EngMcuReport *eng_mcu_report_ref (EngMcuReport *report);
void eng_mcu_report_unref (EngMcuReport *report); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngMcuReport, eng_mcu_report_unref)

/* Whether a size with a limit (flash, RAM) is known to exceed it. */
gboolean eng_mcu_report_fits (const EngMcuReport *report);
/* "the first 4 layers are computed in 2 x 2 patches: 0.6 % more multiply-adds"; newly allocated.
 * NULL: nothing is. */
char *eng_mcu_report_dup_patches (const EngMcuReport *report);
/* Lines for people: sizes against limits. Newly allocated. */
char *eng_mcu_report_to_text (const EngMcuReport *report);
/* An object: sizes with origins and definitions, layers, patches. Newly allocated. */
JsonNode *eng_mcu_report_to_json (const EngMcuReport *report);

/* ---- boards ---- */

/* Ids of the boards that code can be made for ("mps2-an386"), NULL-terminated; static. */
const char *const *eng_mcu_boards (void);
/* The board that is meant by a name on the command line: an id, or "cortex-m4", "cortex-m55". NULL
 * and @error, which lists what there is. */
const char *eng_mcu_board_find (const char *name, GError **error);
/* "Cortex-M4 (STM32F405, STM32F407)"; newly allocated. NULL and @error: there is no such board. */
char *eng_mcu_board_dup_title (const char *board, GError **error);
/* What the board is, from its profile. */
EngBoard *eng_mcu_board_describe (const char *board, GError **error);
/* What QEMU is told to be it. NULL and @error: it has no such board. Newly allocated. */
GStrv eng_mcu_board_dup_emulator (const char *board, GError **error);

/* ---- plan, folder, image ---- */

typedef struct
{
  guint64 ram_limit;   /* 0: the board's */
  gboolean no_patches; /* do not compute in patches, whatever that takes */
  gboolean quick;      /* look for patches only where it does not fit without */
  EngJob *job;         /* gets the progress of the search and may cancel it; nullable */
} EngMcuOptions;

/* What @bare takes on @board; writes nothing. A few milliseconds; up to a second where patches have
 * to be searched for. NULL and ENG_ERROR_UNSUPPORTED: all operators that have no kernel there, with
 * their places; or it is no network of 8-bit integers. A network that does not fit is no error:
 * eng_mcu_report_fits(). @options may be NULL. */
EngMcuReport *eng_mcu_plan (EngBuild *bare, const char *board, const EngMcuOptions *options,
                            GError **error);

/* eng_mcu_plan(), with the sizes that the linker gave where an image of this very program was made
 * before (eng_mcu_make_image(), which a push calls). Compiles nothing; writes the code in memory,
 * tenths of a second for megabytes of weights. */
EngMcuReport *eng_mcu_look (EngBuild *bare, const char *board, const EngMcuOptions *options,
                            GError **error);

/* Write the folder: network.c and .h, kernels, board support, CMakeLists.txt, README.md, LICENSE,
 * report.json. @folder must not exist, or be one that this function wrote; it appears complete or
 * not at all. @run_id (nullable): the run that the code follows from. @report (nullable, out).
 * ENG_ERROR_MEMORY when it does not fit the board. Blocking. */
gboolean eng_mcu_export (EngBuild *bare, const char *board, const EngMcuOptions *options,
                         const char *folder, const char *run_id, EngMcuReport **report, EngJob *job,
                         GError **error);

/* Compile and link an exported folder to @elf, and put into @report (nullable) what the linker
 * made of it: flash, code, static data, stack. ENG_ERROR_NOT_FOUND when there is no compiler (the
 * message names the command that brings it), ENG_ERROR_UNSUPPORTED with what the compiler says when
 * it complains. Blocking, some seconds; @job may cancel. */
gboolean eng_mcu_link (const char *folder, const char *board, const char *elf, EngMcuReport *report,
                       EngJob *job, GError **error);

/* Both, in a cache folder ($XDG_CACHE_HOME/lathe/mcu) by what is generated: the second time it only
 * copies. @report (nullable, out): with the linked sizes. */
gboolean eng_mcu_make_image_at (EngBuild *bare, const char *board, const EngMcuOptions *options,
                                const char *elf, EngMcuReport **report, EngJob *job,
                                GError **error);
/* The same for a device, whose setting "board" is an id or a processor, and which may have
 * ENG_MCU_RAM_SETTING. */
gboolean eng_mcu_make_image (EngBuild *bare, EngDevice *device, const char *elf,
                             EngMcuReport **report, EngJob *job, GError **error);

/* Setting of a device: how many bytes of its RAM the network may use (other firmware needs the
 * rest, or patches are wanted). */
#define ENG_MCU_RAM_SETTING "network-ram"
/* What it says; 0: all that the board has. */
guint64 eng_mcu_device_ram_limit (EngDevice *device);

/* Whether the tools are there that an image needs; else G_IO_ERROR_NOT_FOUND and *@remedy, a
 * command line. @emulator: QEMU too. */
gboolean eng_mcu_check_tools (gboolean emulator, char **remedy, GError **error);

G_END_DECLS
