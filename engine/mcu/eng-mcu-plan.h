/* A program with places and its report, for the files that write it out. */
#pragma once

#include "eng-mcu-private.h"

G_BEGIN_DECLS

EngMcuProgram *eng_mcu_plan_program (EngBuild *bare, const char *board,
                                     const EngMcuOptions *options, const char *run_id,
                                     EngMcuReport **report, GError **error);
/* Flash and RAM from their parts. */
void eng_mcu_report_sum (EngMcuReport *report, EngMcuOrigin origin);
/* FALSE and ENG_ERROR_MEMORY with what is needed and what is there: it does not fit. */
gboolean eng_mcu_report_check (const EngMcuReport *report, GError **error);
const char *eng_mcu_isa_name (McIsa isa); /* "dsp" */

G_END_DECLS
