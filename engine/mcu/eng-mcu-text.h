/* The texts of an exported folder beside the code. Newly allocated; private to engine/mcu. */
#pragma once

#include "eng-mcu-private.h"

G_BEGIN_DECLS

char *eng_mcu_text_cmake (const EngMcuProgram *program, GHashTable *files);
char *eng_mcu_text_toolchain (const EngMcuProgram *program);
char *eng_mcu_text_readme (const EngMcuProgram *program, const EngMcuReport *report);
/* What the compiler is told, on every way to an image: processor, language, linking. */
GStrv eng_mcu_text_compile_flags (const EngMcuBoard *board);
GStrv eng_mcu_text_link_flags (const EngMcuBoard *board);

G_END_DECLS
