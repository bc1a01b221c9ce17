/* More executors of a finished build: for those who look at more than its answers. Called by
 * evaluations; the build's own executor is made in eng-build.c. */
#include "eng-build-private.h"

#include "eng-error.h"

RtExec *
eng_build_new_exec (EngBuild *self, const EngExecOptions *options, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (self) && options != NULL, NULL);

  RtError rt_error = { 0 };
  RtExecConfig config
      = { .graph = self->graph,
          .weights = rt_exec_weights (self->exec),
          .pool = options->pool != NULL ? options->pool : self->pool,
          .kv_format = self->kv_format,
          .kv_capacity = options->n_ctx > 0 ? options->n_ctx : eng_build_get_n_ctx (self),
          .planner = rt_exec_plan (self->exec)->planner,
          .taps = options->taps };

  eng_build_get_max_symbols (self, config.max_symbols);
  if (options->max_tokens > 0)
    config.max_symbols[0] = options->max_tokens;
  if (options->n_outputs > 0)
    config.max_symbols[1] = options->n_outputs;
  RtExec *exec = rt_exec_new (&config, &rt_error);
  if (exec == NULL)
    eng_error_take_rt (&rt_error, error);
  return exec;
}
