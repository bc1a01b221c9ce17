/* CMakeLists.txt, the toolchain file and README.md of an exported folder, and the flags that both
 * CMake and our own image use. */
#include "eng-mcu-text.h"

#include <string.h>

#include "eng-mcu-plan.h"

/* Exact arithmetic: nothing may be fused or reordered. No C library: the board support brings the
 * four functions that compilers call. */
static const char *const language_flags[] = { "-std=gnu17",
                                              "-O2",
                                              "-ffreestanding",
                                              "-ffp-contract=off",
                                              "-fno-math-errno",
                                              "-ffunction-sections",
                                              "-fdata-sections",
                                              "-Wall",
                                              "-Wextra",
                                              "-Wno-unused-parameter",
                                              NULL };
static const char *const linker_flags[]
    = { "-nostdlib", "-Wl,--gc-sections", "-Wl,--fatal-warnings", "-T", "link.ld", NULL };

static void
add_words (GPtrArray *to, const char *const *words)
{
  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (to, g_strdup (words[i]));
}

static GStrv
finish (GPtrArray *flags)
{
  g_ptr_array_add (flags, NULL);
  return (GStrv)g_ptr_array_free (flags, FALSE);
}

GStrv
eng_mcu_text_compile_flags (const EngMcuBoard *board)
{
  GPtrArray *flags = g_ptr_array_new ();

  add_words (flags, (const char *const *)board->cpu_flags);
  add_words (flags, language_flags);
  return finish (flags);
}

GStrv
eng_mcu_text_link_flags (const EngMcuBoard *board)
{
  GPtrArray *flags = g_ptr_array_new ();

  add_words (flags, linker_flags);
  return finish (flags);
}

static void
append_sources (GString *text, GHashTable *files)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (files), (GCompareFunc)strcmp);

  for (GList *l = names; l != NULL; l = l->next)
    if (g_str_has_suffix (l->data, ".c"))
      g_string_append_printf (text, "  %s\n", (const char *)l->data);
}

char *
eng_mcu_text_cmake (const EngMcuProgram *program, GHashTable *files)
{
  GString *text = g_string_new (NULL);
  g_autofree char *language = g_strjoinv (" ", (GStrv)language_flags);

  g_string_append_printf (
      text,
      "# The network as a program for %s: cmake -B build && cmake --build build\n"
      "cmake_minimum_required (VERSION 3.16)\n\n"
      "if (NOT DEFINED CMAKE_TOOLCHAIN_FILE)\n"
      "  set (CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)\n"
      "endif ()\n"
      "project (network C)\n\n"
      "# Set for a real board: then telemetry does not call it an emulator.\n"
      "option (EMULATED \"The program runs in QEMU\" %s)\n\n"
      "add_executable (network.elf\n",
      program->board->title, program->board->emulator != NULL ? "ON" : "OFF");
  append_sources (text, files);
  g_string_append_printf (
      text,
      ")\n"
      "target_include_directories (network.elf PRIVATE . kernels board)\n"
      "target_compile_options (network.elf PRIVATE\n  %s)\n"
      "target_compile_definitions (network.elf PRIVATE BOARD_EMULATED=$<BOOL:${EMULATED}>\n"
      "  BOARD_TRACE_NODES=%u)\n"
      "target_link_options (network.elf PRIVATE\n"
      "  -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings\n"
      "  -L${CMAKE_CURRENT_LIST_DIR}/board -T${CMAKE_CURRENT_LIST_DIR}/board/link.ld)\n"
      "target_link_libraries (network.elf PRIVATE gcc)\n"
      "set_target_properties (network.elf PROPERTIES\n"
      "  LINK_DEPENDS \"${CMAKE_CURRENT_LIST_DIR}/board/link.ld;"
      "${CMAKE_CURRENT_LIST_DIR}/board/sections.ld\")\n",
      language, program->nodes->len);
  return g_string_free (text, FALSE);
}

char *
eng_mcu_text_toolchain (const EngMcuProgram *program)
{
  g_autofree char *flags = g_strjoinv (" ", program->board->cpu_flags);

  return g_strdup_printf ("# GNU toolchain for %s (Debian: sudo apt install gcc-arm-none-eabi)\n"
                          "set (CMAKE_SYSTEM_NAME Generic)\n"
                          "set (CMAKE_SYSTEM_PROCESSOR arm)\n"
                          "set (CMAKE_C_COMPILER arm-none-eabi-gcc)\n"
                          "set (CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\n"
                          "set (CMAKE_C_FLAGS_INIT \"%s\")\n",
                          program->board->cpu, flags);
}

/* ---- README ---- */

static void
append_operators (GString *text, const EngMcuReport *report)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < report->layers->len; i++)
    {
      const EngMcuLayer *layer = g_ptr_array_index (report->layers, i);
      guint n = 0;

      if (!g_hash_table_add (seen, layer->op))
        continue;
      for (guint k = i; k < report->layers->len; k++)
        n += strcmp (((EngMcuLayer *)g_ptr_array_index (report->layers, k))->op, layer->op) == 0;
      g_string_append_printf (text, "| %s | %u |\n", layer->op, n);
    }
}

static void
append_sizes (GString *text, const EngMcuReport *report)
{
  for (guint i = 0; i < ENG_MCU_N_SIZES; i++)
    if (report->sizes[i].origin != ENG_MCU_UNKNOWN)
      g_string_append_printf (text, "| %s | %" G_GUINT64_FORMAT " | %s | %s |\n",
                              eng_mcu_size_name ((EngMcuSizeKind)i), report->sizes[i].bytes,
                              eng_mcu_origin_name (report->sizes[i].origin),
                              eng_mcu_size_definition ((EngMcuSizeKind)i));
}

static void
append_running (GString *text, const EngMcuBoard *board)
{
  g_string_append (text,
                   "## Build\n\n"
                   "Needs CMake and the GNU toolchain for Arm "
                   "(`sudo apt install cmake gcc-arm-none-eabi`).\n\n"
                   "    cmake -B build\n"
                   "    cmake --build build\n"
                   "    arm-none-eabi-size build/network.elf\n\n"
                   "## Run\n\n"
                   "The program reads its inputs from the computer and prints one JSON object "
                   "a line, both by semihosting: a debug probe or an emulator answers it.\n\n");
  if (board->emulator != NULL)
    {
      g_autofree char *arguments = g_strjoinv (" ", board->emulator);

      g_string_append_printf (
          text,
          "    qemu-system-arm %s \\\n"
          "      -display none -monitor none -serial none \\\n"
          "      -semihosting-config enable=on,target=native,arg=network,arg=WORK \\\n"
          "      -kernel build/network.elf\n\n"
          "WORK is a work file of Lathe's; with `arg=--board` in its place the "
          "board tells what it is.\n\n",
          arguments);
    }
  g_string_append (
      text,
      "On a real board: configure with `-DEMULATED=OFF`, check the memory map in `board/link.ld`, "
      "and\n"
      "let a probe load and run it with semihosting on:\n\n"
      "    openocd -f interface/cmsis-dap.cfg -f target/YOURS.cfg \\\n"
      "      -c \"init; arm semihosting enable; program build/network.elf verify reset\"\n\n"
      "In a program of your own: take `network.c`, `network.h` and `kernels/`, copy the inputs to\n"
      "`mc_network.inputs[i].data`, call `mc_network_run (&mc_network)` and read\n"
      "`mc_network.outputs[i].data`. Nothing is allocated, nothing else is needed. Compile with\n"
      "`-ffp-contract=off` and without `-ffast-math`: then every board, and the computer that "
      "this\n"
      "came from, give the same bits.\n\n");
}

char *
eng_mcu_text_readme (const EngMcuProgram *program, const EngMcuReport *report)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (
      text,
      "# %s on %s\n\n"
      "C code of a neural network of 8-bit integers, made by Lathe " LATHE_VERSION ".\n\n"
      "| | |\n|---|---|\n"
      "| build | `%s` |\n"
      "| run that it follows from | %s |\n"
      "| processor | %s, %s kernels |\n\n",
      report->model, report->title, report->build_hash,
      report->run_id != NULL ? report->run_id : "none", program->board->cpu, report->isa);
  append_running (text, program->board);
  g_string_append (text, "## Sizes\n\n| what | bytes | from | definition |\n|---|---|---|---|\n");
  append_sizes (text, report);
  g_string_append (text, "\n`report.json` has them for every layer.\n\n"
                         "## Operators\n\n| operator | layers |\n|---|---|\n");
  append_operators (text, report);
  g_string_append (text,
                   "\n## Licence\n\n"
                   "Kernels and board support are Lathe's: GPL-3.0-or-later, see LICENSE. The "
                   "weights in network.c are the model's, under its licence.\n");
  return g_string_free (text, FALSE);
}
