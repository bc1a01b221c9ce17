#pragma once

#include <gio/gio.h>
#include "plot-figure.h"

G_BEGIN_DECLS

typedef enum
{
  PLOT_EXPORT_PNG,
  PLOT_EXPORT_SVG,
  PLOT_EXPORT_PDF,
  PLOT_EXPORT_CSV, /* the table; size and scale are ignored */
} PlotExportFormat;

/** PlotExportOptions: zero means the default named beside each field. */
typedef struct
{
  PlotExportFormat format;
  int width_px;         /* logical pixels (1/96 inch); 960 */
  int height_px;        /* 540 */
  double scale;         /* PNG: device pixels per logical pixel; 2 */
  gboolean dark;        /* light */
  gboolean transparent; /* PNG and SVG: no background; opaque */
  /* CSV: where the numbers are from, in a last column of that heading; none. Borrowed. */
  const char *source_heading, *source;
} PlotExportOptions;

#define PLOT_EXPORT_ERROR (plot_export_error_quark ())
GQuark plot_export_error_quark (void);

typedef enum
{
  PLOT_EXPORT_ERROR_SIZE,   /* a side over 16384 device pixels, or not positive */
  PLOT_EXPORT_ERROR_FORMAT, /* the file name has no ending that is known */
  PLOT_EXPORT_ERROR_CAIRO,  /* the surface refused; the message says what */
} PlotExportError;

/** Format for a file name by its ending (.png .svg .pdf .csv, any case).
 * Returns FALSE and PLOT_EXPORT_ERROR_FORMAT, naming the endings that work, for any other. */
gboolean plot_export_format_for_name (const char *name, PlotExportFormat *format, GError **error);

/** The file as bytes. Main thread; a new reference, NULL with @error set. */
GBytes *plot_export_to_bytes (PlotFigure *figure, const PlotExportOptions *options, GError **error);

/** Draws and writes @file, replacing it atomically. Blocks on the disk; main thread. */
gboolean plot_export (PlotFigure *figure, GFile *file, const PlotExportOptions *options,
                      GCancellable *cancellable, GError **error);

/** The same without blocking: the figure is drawn at once on the main thread (milliseconds),
 * compressing and writing happen on a worker. */
void plot_export_async (PlotFigure *figure, GFile *file, const PlotExportOptions *options,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean plot_export_finish (PlotFigure *figure, GAsyncResult *result, GError **error);

G_END_DECLS
