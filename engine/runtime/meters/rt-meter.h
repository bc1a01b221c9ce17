/* Meters: what tells joules or watts. One file per kind behind one table, libc only, because the
 * same objects run on a board.
 *
 * Open (root directory or port -> channels) -> read any number of times -> close. Every failure
 * says what, where and what to do. A meter never invents: what it cannot read is an error, not
 * zero. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_METER_MAX_CHANNELS 32

typedef enum
{
  RT_METER_JOULES, /* a counter that only grows, until it goes back to 0 at range_j */
  RT_METER_WATTS,  /* power at the time of reading */
} RtMeterQuantity;

typedef struct
{
  char name[64]; /* "package-0", "VDD_CPU" */
  RtMeterQuantity quantity;
  bool in_total;  /* counted in the meter's total: no two of these overlap */
  double range_j; /* RT_METER_JOULES: the counter starts again at 0 after this; 0: it does not */
} RtMeterChannel;

typedef struct RtMeter RtMeter;

typedef struct
{
  const char *id;            /* "rapl": what the user types */
  const char *title;         /* "RAPL counters of the processor" */
  const char *place_title;   /* "root directory", "port": what a place is to this kind */
  const char *default_place; /* NULL: the user must name one */
  const char *attach;        /* one sentence: how a computer comes to have one */
  uint64_t interval_ns;      /* reading more often than this tells little or costs much */
  uint64_t age_ns; /* a reading may be of so long ago, where the meter itself does not say */

  /* For the kinds' files; others use rt_meter_open() and so on. */
  bool (*open) (RtMeter *meter, RtError *error);
  bool (*read) (RtMeter *meter, double *values, RtError *error);
  void (*close) (RtMeter *meter); /* also after a failed open(); may be NULL */
} RtMeterKind;

/* All kinds, best first. */
const RtMeterKind *const *rt_meter_kinds (size_t *n_kinds);
/* NULL when there is none called so. */
const RtMeterKind *rt_meter_kind_find (const char *id);

/* @place NULL: the kind's default; RT_ERROR_RANGE when it has none. Costs some file reads; the
 * serial meter waits up to two seconds for its answer. */
RtMeter *rt_meter_open (const RtMeterKind *kind, const char *place, RtError *error);
void rt_meter_close (RtMeter *meter); /* accepts NULL */

const RtMeterKind *rt_meter_get_kind (const RtMeter *meter);
const char *rt_meter_get_place (const RtMeter *meter);
const char *rt_meter_get_covers (
    const RtMeter *meter); /* what the total is of: "processor packages and memory" */
uint64_t rt_meter_get_age_ns (const RtMeter *meter); /* a reading may be of so long ago */
size_t rt_meter_n_channels (const RtMeter *meter);
const RtMeterChannel *rt_meter_channel (const RtMeter *meter, size_t i);
uint64_t
rt_meter_n_bad (const RtMeter *meter); /* readings or lines thrown away as damaged, so far */

/* @values [n_channels]: joules or watts. false: the meter cannot be read now, or is gone; @values
 * is then undefined. */
bool rt_meter_read (RtMeter *meter, double *values, RtError *error);
