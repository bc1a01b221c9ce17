/* The graph of a build: the model's, through the passes. Called by eng-build.c once the lowering
 * has decided. */
#include "eng-build-private.h"

#include "eng-error.h"
#include "eng-model-private.h"
#include "rt-layout.h"

const RtGraph *
eng_build_get_source_graph (EngBuild *self)
{
  return self->is_bare ? eng_model_get_bare_graph (self->model) : eng_model_get_graph (self->model);
}

/* Formats per value of the source graph, as rt_fuse() wants them. */
static RtGraph *
fuse (EngBuild *self, const RtGraph *source, guint32 fusions, RtError *rt_error)
{
  g_autofree int *dtypes = g_new (int, rt_graph_n_values (source));

  for (guint32 i = 0; i < rt_graph_n_values (source); i++)
    dtypes[i] = rt_graph_value (source, i)->type;
  for (guint i = 0; i < self->n_tensors; i++)
    {
      RtValueId id = rt_graph_find_value (source, eng_model_get_tensor (self->model, i)->name);
      if (id != RT_NONE)
        dtypes[id] = self->dtypes[i];
    }
  return rt_fuse (source, dtypes, fusions, rt_error);
}

static const RtGraph *
add_graph (EngBuild *self, RtGraph *graph)
{
  g_ptr_array_add (self->graphs, graph);
  return graph;
}

/* From the source graph to the one that is executed: layout, fusion, what techniques rewrite, the
 * rest of fusion. */
gboolean
eng_build_make_graph (EngBuild *self, EngLowering *lowering, GError **error)
{
  RtError rt_error = { 0 };
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  self->graph = self->source = lowering->source;
  if (eng_model_get_kind (self->model) == ENG_MODEL_NETWORK)
    {
      RtGraph *channels_last = rt_layout (self->graph, &rt_error);
      if (channels_last == NULL)
        return eng_error_take_rt (&rt_error, error);
      self->graph = add_graph (self, channels_last);
    }
  for (guint pass = 0; pass < 2; pass++)
    {
      guint32 fusions = pass == 0 ? lowering->fusions : lowering->late_fusions;
      RtGraph *fused = fusions != 0 ? fuse (self, self->graph, fusions, &rt_error) : NULL;
      if (fusions != 0 && fused == NULL)
        return eng_error_take_rt (&rt_error, error);
      if (fused != NULL)
        self->graph = add_graph (self, fused);
      for (guint i = 0; pass == 0 && i < n; i++)
        {
          g_autoptr (GError) local = NULL;
          RtGraph *graph = techniques[i]->rewrite != NULL
                               ? techniques[i]->rewrite (lowering, self->graph, &local)
                               : NULL;
          if (local != NULL)
            {
              g_propagate_error (error, g_steal_pointer (&local));
              return FALSE;
            }
          if (graph != NULL)
            self->graph = add_graph (self, graph);
        }
    }
  return TRUE;
}
