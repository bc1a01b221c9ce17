/* Meters on recorded trees, written here from the kernels' and vendors' documentation, and on a
 * pseudo terminal. Expected values are worked out by hand from what the trees hold. */
#include "meters/rt-meter.h"
#include "../test-tree.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* ---- Trees ---- */

static RtMeter *
open_meter (const char *id, const char *place)
{
  RtError error = { 0 };
  RtMeter *meter = rt_meter_open (rt_meter_kind_find (id), place, &error);
  g_assert_cmpstr (error.message, ==, "");
  g_assert_nonnull (meter);
  return meter;
}

static void
assert_no_meter (const char *id, const char *place, const char *says)
{
  RtError error = { 0 };
  RtMeter *meter = rt_meter_open (rt_meter_kind_find (id), place, &error);
  g_assert_null (meter);
  g_assert_cmpint (error.status, !=, RT_OK);
  g_test_message ("%s", error.message);
  g_assert_nonnull (strstr (error.message, says));
}

static void
assert_unreadable (RtMeter *meter, const char *says)
{
  double values[RT_METER_MAX_CHANNELS];
  RtError error = { 0 };
  g_assert_false (rt_meter_read (meter, values, &error));
  g_test_message ("%s", error.message);
  g_assert_nonnull (strstr (error.message, says));
}

static int
find_channel (const RtMeter *meter, const char *name)
{
  for (size_t i = 0; i < rt_meter_n_channels (meter); i++)
    if (strcmp (rt_meter_channel (meter, i)->name, name) == 0)
      return (int)i;
  g_error ("no channel %s", name);
}

static double
read_channel (RtMeter *meter, const char *name)
{
  double values[RT_METER_MAX_CHANNELS];
  RtError error = { 0 };
  g_assert_true (rt_meter_read (meter, values, &error));
  return values[find_channel (meter, name)];
}

static double
read_total (RtMeter *meter)
{
  double values[RT_METER_MAX_CHANNELS], sum = 0;
  RtError error = { 0 };
  g_assert_true (rt_meter_read (meter, values, &error));
  for (size_t i = 0; i < rt_meter_n_channels (meter); i++)
    if (rt_meter_channel (meter, i)->in_total)
      sum += values[i];
  return sum;
}

/* ---- RAPL ---- */

#define RAPL "sys/class/powercap/"

static char *
new_rapl_tree (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, RAPL "intel-rapl/enabled", "1\n");
  test_tree_put (root, RAPL "intel-rapl:0/name", "package-0\n");
  test_tree_put (root, RAPL "intel-rapl:0/energy_uj", "1500000\n");
  test_tree_put (root, RAPL "intel-rapl:0/max_energy_range_uj", "262143328850\n");
  test_tree_put (root, RAPL "intel-rapl:0:0/name", "core\n");
  test_tree_put (root, RAPL "intel-rapl:0:0/energy_uj", "900000\n");
  test_tree_put (root, RAPL "intel-rapl:0:0/max_energy_range_uj", "262143328850\n");
  test_tree_put (root, RAPL "intel-rapl:0:1/name", "dram\n");
  test_tree_put (root, RAPL "intel-rapl:0:1/energy_uj", "250000\n");
  test_tree_put (root, RAPL "intel-rapl:0:1/max_energy_range_uj", "65712999613\n");
  test_tree_put (root, RAPL "intel-rapl:1/name", "psys\n");
  test_tree_put (root, RAPL "intel-rapl:1/energy_uj", "7000000\n");
  return root;
}

static void
test_rapl (void)
{
  char *root = new_rapl_tree ();
  RtMeter *meter = open_meter ("rapl", root);

  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 4);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "package-0"), 1.5, 1e-9);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "core-0"), 0.9, 1e-9);
  /* The cores are within the package, and the platform holds all: neither is counted twice. */
  g_assert_cmpfloat_with_epsilon (read_total (meter), 1.75, 1e-12);
  const RtMeterChannel *dram = rt_meter_channel (meter, (size_t)find_channel (meter, "dram-0"));
  g_assert_cmpint (dram->quantity, ==, RT_METER_JOULES);
  g_assert_cmpfloat_with_epsilon (dram->range_j, 65712.999613, 1e-6);

  test_tree_put (root, RAPL "intel-rapl:0/energy_uj", "no number\n");
  assert_unreadable (meter, "not a number");
  g_autofree char *gone = g_build_filename (root, RAPL "intel-rapl:0/energy_uj", NULL);
  g_remove (gone);
  assert_unreadable (meter, "cannot be read");
  rt_meter_close (meter);
  test_tree_free (root);
}

static void
test_rapl_denied (void)
{
  char *root = new_rapl_tree ();
  g_autofree char *file = g_build_filename (root, RAPL "intel-rapl:0/energy_uj", NULL);
  gboolean is_root = geteuid () == 0;

  g_chmod (root, 0755); /* the test gives up its rights */
  g_chmod (file, is_root ? 0400 : 0);
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  assert_no_meter ("rapl", root, "sudo chmod a+r");
  assert_no_meter ("rapl", root, "udev");
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  test_tree_free (root);
}

static void
test_absent (void)
{
  char *root = test_tree_new ();

  assert_no_meter ("rapl", root, "virtual machine");
  assert_no_meter ("hwmon", root, "no sensor in");
  assert_no_meter ("pi5", root, "not a Raspberry Pi");
  assert_no_meter ("battery", root, "there is no battery");
  assert_no_meter ("serial", NULL, "needs its port");
  g_assert_null (rt_meter_kind_find ("thermometer"));
  test_tree_free (root);
}

/* ---- hwmon ---- */

#define HWMON "sys/class/hwmon/"

static void
test_hwmon_ina226 (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, HWMON "hwmon0/name", "cpu_thermal\n");
  test_tree_put (root, HWMON "hwmon0/temp1_input", "48200\n");
  test_tree_put (root, HWMON "hwmon2/name", "ina226\n");
  test_tree_put (root, HWMON "hwmon2/in0_input", "2\n");
  test_tree_put (root, HWMON "hwmon2/in1_input", "5056\n");
  test_tree_put (root, HWMON "hwmon2/curr1_input", "812\n");
  test_tree_put (root, HWMON "hwmon2/power1_input", "4100000\n");
  test_tree_put (root, HWMON "hwmon3/name", "amdgpu\n");
  test_tree_put (root, HWMON "hwmon3/power1_average", "30000000\n");
  RtMeter *meter = open_meter ("hwmon", root);

  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 1);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 4.1, 1e-9);
  g_assert_cmpstr (rt_meter_get_covers (meter), ==, "the rail ina226");
  g_assert_cmpuint (rt_meter_get_age_ns (meter), ==, 50000000);
  rt_meter_close (meter);
  test_tree_free (root);
}

/* An Orin NX: three rails of an INA3221, of which VDD_IN holds the others. */
static void
test_hwmon_jetson (void)
{
  char *root = test_tree_new ();
  static const struct
  {
    const char *label, *mv, *ma;
  } rails[] = { { "VDD_IN", "4976\n", "1200\n" },
                { "VDD_CPU_GPU_CV", "4968\n", "400\n" },
                { "VDD_SOC", "4968\n", "300\n" } };
  test_tree_put (root, HWMON "hwmon4/name", "ina3221\n");
  for (guint k = 0; k < G_N_ELEMENTS (rails); k++)
    {
      g_autofree char *label = g_strdup_printf (HWMON "hwmon4/in%u_label", k + 1);
      g_autofree char *mv = g_strdup_printf (HWMON "hwmon4/in%u_input", k + 1);
      g_autofree char *ma = g_strdup_printf (HWMON "hwmon4/curr%u_input", k + 1);
      test_tree_put (root, label, rails[k].label);
      test_tree_put (root, mv, rails[k].mv);
      test_tree_put (root, ma, rails[k].ma);
    }
  test_tree_put (root, HWMON "hwmon4/in7_input", "4\n"); /* the sum of shunt voltages is no rail */
  test_tree_put (root, HWMON "hwmon4/curr4_input", "1900\n");
  RtMeter *meter = open_meter ("hwmon", root);

  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 3);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 4.976 * 1.2, 1e-12);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "VDD_SOC"), 4.968 * 0.3, 1e-12);
  g_assert_cmpstr (rt_meter_get_covers (meter), ==, "the whole board, at its input");
  test_tree_put (root, HWMON "hwmon4/curr1_input", "1300\n");
  g_assert_cmpfloat_with_epsilon (read_total (meter), 4.976 * 1.3, 1e-12);
  rt_meter_close (meter);
  test_tree_free (root);
}

static void
test_hwmon_old_jetson (void)
{
  char *root = test_tree_new ();
  const char *device = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/";
  static const char *const names[] = { "POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU" };
  static const char *const mw[] = { "2345\n", "40\n", "703\n" };
  for (guint k = 0; k < 3; k++)
    {
      g_autofree char *name = g_strdup_printf ("%srail_name_%u", device, k);
      g_autofree char *power = g_strdup_printf ("%sin_power%u_input", device, k);
      test_tree_put (root, name, names[k]);
      test_tree_put (root, power, mw[k]);
    }
  RtMeter *meter = open_meter ("hwmon", root);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 2.345, 1e-12);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "POM_5V_CPU"), 0.703, 1e-12);
  rt_meter_close (meter);
  test_tree_free (root);
}

static void
test_hwmon_others (void)
{
  char *root = test_tree_new ();

  test_tree_put (root, HWMON "hwmon1/name", "amdgpu\n");
  test_tree_put (root, HWMON "hwmon1/power1_average", "30000000\n");
  assert_no_meter ("hwmon", root, "graphics cards");

  /* An EPYC's counters: cores are within their socket. */
  test_tree_put (root, HWMON "hwmon2/name", "amd_energy\n");
  test_tree_put (root, HWMON "hwmon2/energy1_label", "Ecore000\n");
  test_tree_put (root, HWMON "hwmon2/energy1_input", "5000000\n");
  test_tree_put (root, HWMON "hwmon2/energy2_label", "Esocket0\n");
  test_tree_put (root, HWMON "hwmon2/energy2_input", "123000000\n");
  RtMeter *meter = open_meter ("hwmon", root);
  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 1);
  g_assert_cmpint (rt_meter_channel (meter, 0)->quantity, ==, RT_METER_JOULES);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 123, 1e-9);
  rt_meter_close (meter);

  /* A notebook's battery is in the class, too, and says what flows into it. */
  test_tree_put (root, HWMON "hwmon5/name", "BAT0\n");
  test_tree_put (root, HWMON "hwmon5/power1_input", "40000000\n");
  test_tree_put (root, HWMON "hwmon6/name", "ucsi_source_psy_1\n");
  test_tree_put (root, HWMON "hwmon6/device/type", "USB\n");
  test_tree_put (root, HWMON "hwmon6/power1_input", "60000000\n");
  meter = open_meter ("hwmon", root);
  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 1);
  rt_meter_close (meter);

  /* A server's power supply holds all, averaged over a second. */
  test_tree_put (root, HWMON "hwmon3/name", "power_meter\n");
  test_tree_put (root, HWMON "hwmon3/power1_average", "212000000\n");
  test_tree_put (root, HWMON "hwmon3/power1_average_interval", "1000\n");
  meter = open_meter ("hwmon", root);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 212, 1e-9);
  g_assert_cmpuint (rt_meter_get_age_ns (meter), ==, 1000000000);
  rt_meter_close (meter);
  test_tree_free (root);
}

/* ---- Raspberry Pi 5 ---- */

static const char pmic[] = " 3V7_WL_SW_A current(0)=0.09368929A\n"
                           "   3V3_SYS_A current(1)=0.08783370A\n"
                           "  VDD_CORE_A current(7)=2.50000000A\n"
                           " 3V7_WL_SW_V volt(8)=3.69977600V\n"
                           "   3V3_SYS_V volt(9)=3.31003300V\n"
                           "  VDD_CORE_V volt(15)=0.80000000V\n"
                           "     EXT5V_V volt(24)=5.09066000V\n"
                           "      BATT_V volt(25)=0.00000000V\n";

static void
test_pi5_recording (void)
{
  char *root = test_tree_new ();
  g_autofree char *file = g_build_filename (root, "pmic.txt", NULL);
  test_tree_put (root, "pmic.txt", pmic);
  RtMeter *meter = open_meter ("pi5", file);

  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 3);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "VDD_CORE"), 2.0, 1e-12);
  g_assert_cmpfloat_with_epsilon (read_total (meter),
                                  0.09368929 * 3.699776 + 0.0878337 * 3.310033 + 2.5 * 0.8, 1e-9);
  g_assert_cmpuint (rt_meter_n_bad (meter), ==, 0);
  test_tree_put (root, "pmic.txt", "  VDD_CORE_A current(7)=1.0A\nwhat is this\n");
  assert_unreadable (meter, "no longer tells the rail");
  g_assert_cmpuint (rt_meter_n_bad (meter), ==, 1);
  rt_meter_close (meter);

  test_tree_put (root, "pmic.txt", "error=1 error_msg=\"Command not registered\"\n");
  assert_no_meter ("pi5", file, "Raspberry Pi 5");
  test_tree_free (root);
}

static void
put_script (const char *root, const char *text)
{
  g_autofree char *full = g_build_filename (root, "usr/bin/vcgencmd", NULL);
  test_tree_put (root, "usr/bin/vcgencmd", text);
  g_chmod (full, 0755);
}

static void
test_pi5_command (void)
{
  char *root = test_tree_new ();
  g_autofree char *script
      = g_strdup_printf ("#!/bin/sh\n[ \"$1\" = pmic_read_adc ] || exit 2\ncat <<'END'\n%sEND\n",
                         pmic);
  put_script (root, script);
  RtMeter *meter = open_meter ("pi5", root);

  g_assert_cmpfloat_with_epsilon (read_channel (meter, "VDD_CORE"), 2.0, 1e-12);
  put_script (root, "#!/bin/sh\necho VCHI initialization failed\nexit 255\n");
  assert_unreadable (meter, "VCHI initialization failed");
  assert_unreadable (meter, "group video");
  rt_meter_close (meter);
  test_tree_free (root);
}

/* ---- Battery ---- */

#define SUPPLY "sys/class/power_supply/"

static void
test_battery (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, SUPPLY "AC/type", "Mains\n");
  test_tree_put (root, SUPPLY "AC/online", "1\n");
  test_tree_put (root, SUPPLY "hidpp_battery_0/type", "Battery\n");
  test_tree_put (root, SUPPLY "hidpp_battery_0/scope", "Device\n");
  test_tree_put (root, SUPPLY "hidpp_battery_0/status", "Discharging\n");
  test_tree_put (root, SUPPLY "BAT0/type", "Battery\n");
  test_tree_put (root, SUPPLY "BAT0/status", "Charging\n");
  test_tree_put (root, SUPPLY "BAT0/power_now", "9120000\n");
  assert_no_meter ("battery", root, "on mains it measures nothing");
  test_tree_put (root, SUPPLY "BAT0/status", "Full\n");
  assert_no_meter ("battery", root, "on mains it measures nothing");

  test_tree_put (root, SUPPLY "BAT0/status", "Discharging\n");
  RtMeter *meter = open_meter ("battery", root);
  g_assert_cmpuint (rt_meter_n_channels (meter), ==, 1);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 9.12, 1e-12);
  test_tree_put (root, SUPPLY "BAT0/status", "Charging\n");
  assert_unreadable (meter, "Unplug");
  rt_meter_close (meter);
  test_tree_free (root);
}

static void
test_battery_current (void)
{
  char *root = test_tree_new ();
  test_tree_put (root, SUPPLY "BAT1/type", "Battery\n");
  test_tree_put (root, SUPPLY "BAT1/status", "Discharging\n");
  assert_no_meter ("battery", root, "neither power_now nor current_now");
  test_tree_put (root, SUPPLY "BAT1/current_now", "-750000\n"); /* some drivers sign it */
  test_tree_put (root, SUPPLY "BAT1/voltage_now", "11400000\n");
  RtMeter *meter = open_meter ("battery", root);
  g_assert_cmpfloat_with_epsilon (read_total (meter), 0.75 * 11.4, 1e-12);
  rt_meter_close (meter);
  test_tree_free (root);
}

/* ---- Serial ---- */

/* The other end of the port: answers the greeting, then says what it is told. */
typedef struct
{
  int fd;
  char *port;
  const char *greeting; /* NULL: it only talks */
  const char *first;    /* sent after "start", or after the first question */
  GThread *thread;
} Board;

static void
board_say (const Board *board, const char *text)
{
  g_assert_cmpint (write (board->fd, text, strlen (text)), ==, strlen (text));
}

static void
board_sample (const Board *board, guint t_us, guint mv, double ma)
{
  g_autofree char *body = g_strdup_printf ("%u,%u,%.1f", t_us, mv, ma);
  guint8 sum = 0;
  for (const char *p = body; *p != '\0'; p++)
    sum ^= (guint8)*p;
  g_autofree char *line = g_strdup_printf ("%s*%02X\r\n", body, sum);
  board_say (board, line);
}

static gpointer
board_answer (gpointer data)
{
  Board *board = data;
  g_autoptr (GString) heard = g_string_new (NULL);
  char c;

  while (read (board->fd, &c, 1) == 1)
    {
      g_string_append_c (heard, c);
      if (g_str_has_suffix (heard->str, "lathe-meter?\n") && board->greeting != NULL)
        {
          board_say (board, board->greeting);
          g_string_truncate (heard, 0);
        }
      if (g_str_has_suffix (heard->str, board->greeting != NULL ? "start\n" : "lathe-meter?\n"))
        break;
    }
  if (board->first != NULL)
    board_say (board, board->first);
  else
    board_sample (board, 4294967000u, 5000, 400.0); /* just before the clock wraps */
  return NULL;
}

static void
board_start (Board *board, const char *greeting, const char *first)
{
  struct termios raw;
  board->fd = posix_openpt (O_RDWR | O_NOCTTY);
  g_assert_cmpint (board->fd, >=, 0);
  g_assert_cmpint (grantpt (board->fd), ==, 0);
  g_assert_cmpint (unlockpt (board->fd), ==, 0);
  board->port = g_strdup (ptsname (board->fd));
  /* No echo before the meter sets its own mode. */
  g_assert_cmpint (tcgetattr (board->fd, &raw), ==, 0);
  cfmakeraw (&raw);
  tcsetattr (board->fd, TCSANOW, &raw);
  board->greeting = greeting;
  board->first = first;
  board->thread = g_thread_new ("board", board_answer, board);
}

static void
board_stop (Board *board)
{
  if (board->fd >= 0)
    close (board->fd);
  g_free (board->port);
}

static void
test_serial (void)
{
  Board board;
  board_start (&board, "garbage\xff from the boot loader\nlathe-meter 1 bench supply\n", NULL);
  RtMeter *meter = open_meter ("serial", board.port);
  g_thread_join (board.thread);

  g_assert_nonnull (strstr (rt_meter_get_covers (meter), "bench supply"));
  g_assert_cmpuint (rt_meter_n_bad (meter), ==, 1);
  double before = read_channel (meter, "supply");
  /* Over the wrap of the clock: 296 us + 704 us = 1 ms later, 2 W then 3 W: 2.5 mJ. */
  board_sample (&board, 704, 5000, 600.0);
  /* Damaged: a wrong checksum, half a line, a line that never ends; none of them counts. */
  board_say (&board, "1704,5000,9999.0*00\r\n17");
  board_say (&board, "04,500\n# a remark\n");
  g_autofree char *endless = g_strnfill (300, '7');
  board_say (&board, endless);
  board_say (&board, "\n");
  /* 100 ms of 3 W: 0.3 J. */
  board_sample (&board, 100704, 5000, 600.0);
  g_usleep (50000);
  double after = read_channel (meter, "supply");
  g_assert_cmpfloat_with_epsilon (after - before, 0.0025 + 0.3, 1e-9);
  g_assert_cmpuint (rt_meter_n_bad (meter), ==, 4);

  /* The meter's clock jumps: reported, once; then it goes on. */
  board_sample (&board, 5100704, 5000, 600.0);
  g_usleep (20000);
  assert_unreadable (meter, "reset");
  board_sample (&board, 5200704, 5000, 600.0);
  g_usleep (20000);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "supply") - after, 0.3, 1e-9);

  /* Unplugged. */
  close (board.fd);
  board.fd = -1;
  g_usleep (20000);
  assert_unreadable (meter, "gone");
  rt_meter_close (meter);
  board_stop (&board);
}

static void
test_serial_silent (void)
{
  Board board;
  board_start (&board, NULL, NULL); /* it does not greet, its samples are enough */
  RtMeter *meter = open_meter ("serial", board.port);
  g_thread_join (board.thread);
  g_usleep (2100000);
  assert_unreadable (meter, "silent");
  rt_meter_close (meter);
  board_stop (&board);
}

static void
test_serial_wrong (void)
{
  Board board;
  char *root = test_tree_new ();
  g_autofree char *file = g_build_filename (root, "file", NULL);

  test_tree_put (root, "file", "text\n");
  assert_no_meter ("serial", file, "not a serial port");
  g_remove (file);
  assert_no_meter ("serial", file, "cannot be opened");
  assert_no_meter ("serial", "/dev/null@12345", "no speed");
  board_start (&board, "lathe-meter 9 future\n", "");
  assert_no_meter ("serial", board.port, "version 9");
  g_thread_join (board.thread);
  board_stop (&board);
  board_start (&board, NULL, "login: \nPassword: \n");
  assert_no_meter ("serial", board.port, "2 other lines");
  g_thread_join (board.thread);
  board_stop (&board);
  test_tree_free (root);
}

/* Whatever a damaged file holds: a number, or an error, and never more. */
static void
test_garbage (void)
{
  char *root = new_rapl_tree ();
  g_autofree char *file = g_build_filename (root, "pmic.txt", NULL);
  g_autofree char *uj = g_build_filename (root, RAPL "intel-rapl:0/energy_uj", NULL);
  double values[RT_METER_MAX_CHANNELS];

  test_tree_put (root, "pmic.txt", pmic);
  RtMeter *pi5 = open_meter ("pi5", file), *rapl = open_meter ("rapl", root);
  for (int i = 0; i < 400; i++)
    {
      guint n = (guint)g_test_rand_int_range (0, 4000);
      g_autofree char *bytes = g_malloc (n + 1);
      RtError error = { 0 };
      for (guint k = 0; k < n; k++)
        bytes[k] = g_test_rand_int_range (0, 4) > 0
                       ? "VDD_CORE_A current(7)=1.08V\n \t*,-"[g_test_rand_int_range (0, 33)]
                       : (char)g_test_rand_int ();
      g_assert_true (g_file_set_contents (file, bytes, n, NULL));
      g_assert_true (g_file_set_contents (uj, bytes, MIN (n, 40), NULL));
      g_assert_true (rt_meter_read (pi5, values, &error) || error.message[0] != '\0');
      error = (RtError){ 0 };
      g_assert_true (rt_meter_read (rapl, values, &error) || error.message[0] != '\0');
    }
  rt_meter_close (pi5);
  rt_meter_close (rapl);
  test_tree_free (root);
}

static void
test_serial_garbage (void)
{
  Board board;
  RtError error = { 0 };
  double values[RT_METER_MAX_CHANNELS];

  board_start (&board, "lathe-meter 1 noisy\n", NULL);
  RtMeter *meter = open_meter ("serial", board.port);
  g_thread_join (board.thread);
  double before = read_channel (meter, "supply");
  for (int i = 0; i < 200; i++)
    {
      char bytes[256];
      for (guint k = 0; k < sizeof bytes; k++)
        bytes[k] = g_test_rand_int_range (0, 3) > 0
                       ? "0123456789,.*-\n#"[g_test_rand_int_range (0, 16)]
                       : (char)g_test_rand_int_range (1, 256);
      g_assert_cmpint (write (board.fd, bytes, sizeof bytes), ==, sizeof bytes);
      if (i % 10 == 9) /* before the terminal's buffer is full */
        rt_meter_read (meter, values, &error);
    }
  board_say (&board, "\n");
  g_usleep (20000);
  g_assert_true (rt_meter_read (meter, values, &error));
  /* A line with the right checksum by chance is one in 256 of those that are otherwise well-formed,
   * which none of these is. */
  g_assert_cmpfloat (values[0], ==, before);
  g_assert_cmpuint (rt_meter_n_bad (meter), >, 100);
  rt_meter_close (meter);
  board_stop (&board);
}

/* The studio speaks the user's language, in which a comma may stand before decimals; the sensors do
 * not. */
static void
test_locale (void)
{
  char *root = test_tree_new ();
  g_autofree char *file = g_build_filename (root, "pmic.txt", NULL);

  if (setlocale (LC_NUMERIC, "de_DE.UTF-8") == NULL)
    {
      g_test_skip ("there is no locale with a decimal comma here (de_DE.UTF-8)");
      test_tree_free (root);
      return;
    }
  test_tree_put (root, "pmic.txt", pmic);
  RtMeter *meter = open_meter ("pi5", file);
  g_assert_cmpfloat_with_epsilon (read_channel (meter, "VDD_CORE"), 2.0, 1e-12);
  rt_meter_close (meter);
  setlocale (LC_NUMERIC, "C");
  test_tree_free (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/meters/rapl", test_rapl);
  g_test_add_func ("/meters/rapl/denied", test_rapl_denied);
  g_test_add_func ("/meters/absent", test_absent);
  g_test_add_func ("/meters/hwmon/ina226", test_hwmon_ina226);
  g_test_add_func ("/meters/hwmon/jetson", test_hwmon_jetson);
  g_test_add_func ("/meters/hwmon/old-jetson", test_hwmon_old_jetson);
  g_test_add_func ("/meters/hwmon/others", test_hwmon_others);
  g_test_add_func ("/meters/pi5/recording", test_pi5_recording);
  g_test_add_func ("/meters/pi5/command", test_pi5_command);
  g_test_add_func ("/meters/battery", test_battery);
  g_test_add_func ("/meters/battery/current", test_battery_current);
  g_test_add_func ("/meters/serial", test_serial);
  g_test_add_func ("/meters/serial/silent", test_serial_silent);
  g_test_add_func ("/meters/serial/wrong", test_serial_wrong);
  g_test_add_func ("/meters/locale", test_locale);
  g_test_add_func ("/meters/garbage", test_garbage);
  g_test_add_func ("/meters/serial/garbage", test_serial_garbage);
  return g_test_run ();
}
