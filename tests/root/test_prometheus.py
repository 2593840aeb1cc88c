#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The metrics pass promtool, and a real Prometheus scrapes what the packets were."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

from harness import SKIPPED, allow, block, main, packets, policy, wait_until
from http_api import PORT, HttpTest

PEER4, NOBODY4 = "10.77.0.2", "10.77.0.99"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SAMPLE = re.compile(r'^(\w+)(\{.*\})? (\S+)$')

CONTRACT = """
pepctl_uptime_seconds pepctl_policies_total pepctl_daemon_packets_processed_total
pepctl_daemon_packets_allowed_total pepctl_daemon_packets_blocked_total
pepctl_daemon_packets_logged_total pepctl_daemon_packets_rate_limited_total
pepctl_daemon_bytes_processed_total pepctl_ebpf_packets_processed_total pepctl_packets_total
pepctl_bytes_total pepctl_dropped_packets_total pepctl_policy_packets_total
pepctl_policy_bytes_total pepctl_policy_would_drop_packets_total pepctl_policies_unexported
pepctl_policy_info pepctl_policies pepctl_rules pepctl_policies_capacity pepctl_rules_capacity
pepctl_generation pepctl_publish_duration_seconds_count pepctl_hotplug_window_seconds_count
pepctl_http_request_duration_seconds_bucket pepctl_image_bytes pepctl_interface_attached
pepctl_interface_info pepctl_listener_up pepctl_enforcement_in_sync
pepctl_flow_cache_hits_total pepctl_flow_cache_misses_total pepctl_events_lost_total
pepctl_limiter_saturated pepctl_http_requests_total pepctl_config_last_reload_successful
pepctl_config_last_reload_success_timestamp_seconds pepctl_build_info process_cpu_seconds_total
process_open_fds process_resident_memory_bytes process_start_time_seconds
""".split()


class Metrics(HttpTest):
    CONFIG = {"metrics": {"policies": 3}}
    POLICIES = [block("from-file", protocol="TCP", dport=23)]

    def page(self, accept=None):
        answer = self.daemon.request("GET", "/metrics", headers={"Accept": accept or "*/*"})
        self.assertEqual(200, answer.status)
        return answer

    def samples(self):
        result = {}
        for line in self.page().body.decode().splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.assertNotIn((name, labels), result)
                result[name, labels] = value
        return result

    def test_promtool_finds_nothing(self):
        self.daemon.put(block("a"), block("z", protocol="UDP"), allow("b"), allow("c"))
        done = subprocess.run(["promtool", "check", "metrics"], input=self.page().body,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        self.assertEqual((0, b""), (done.returncode, done.stdout))

    def test_every_promised_metric_is_there(self):
        self.daemon.write("POST", "/policies", block("a"))
        names = {name for name, _ in self.samples()}
        self.assertEqual([], [name for name in CONTRACT if name not in names])

    def test_both_formats_by_accept(self):
        for accept, wanted in (("*/*", "text/plain"), (OPENMETRICS, "openmetrics"),
                               ("text/plain", "text/plain"),
                               (OPENMETRICS + ";q=0.5,text/plain;q=0.2", "openmetrics"),
                               ("text/plain;q=0.9," + OPENMETRICS + ";q=0.1", "text/plain"),
                               (OPENMETRICS + ";q=0", "text/plain")):
            with self.subTest(accept):
                answer = self.page(accept)
                self.assertIn(wanted, answer.headers["Content-Type"])
                self.assertEqual(wanted == "openmetrics", answer.body.endswith(b"# EOF\n"))
        text = self.page(OPENMETRICS).body.decode()
        self.assertIn("# TYPE pepctl_packets counter\n", text)
        self.assertIn("# TYPE pepctl_build info\n", text)
        self.assertIn("# TYPE pepctl_policies_total unknown\n", text)

    def test_policies_beyond_the_limit_are_summed(self):
        self.daemon.put(*[block("p-%d" % i, protocol="UDP", dport=100 + i) for i in range(6)])
        self.daemon.write("POST", "/reset")
        for i in range(6):
            self.assert_ingress(*[("to %d" % i, packets.udp(PEER4, NOBODY4, 1, 100 + i, b"x"),
                                   False)] * (i + 1))
        samples = self.samples()
        counted = {labels: int(value) for (name, labels), value in samples.items()
                   if name == "pepctl_policy_packets_total"}
        # By id: from-file, p-0, p-1; the rest is 3 + 4 + 5 + 6.
        self.assertEqual({'{policy="from-file"}': 0, '{policy="p-0"}': 1, '{policy="p-1"}': 2,
                          '{policy=""}': 18}, counted)
        self.assertEqual("4", samples["pepctl_policies_unexported", None])
        self.assertEqual("6", samples["pepctl_policies", '{origin="api"}'])
        self.assertEqual("21", samples["pepctl_daemon_packets_blocked_total", None])
        self.assertEqual("21", samples["pepctl_dropped_packets_total",
                                       '{interface="d0",direction="ingress",reason="policy"}'])

    def test_publishing_is_measured(self):
        def count():
            return int(self.samples()["pepctl_publish_duration_seconds_count", None])
        before = count()
        self.daemon.put(block("a"))
        self.assertEqual(before + 1, count())

    def test_switched_off(self):
        self.daemon.config["metrics"]["enabled"] = False
        self.daemon.write_config()
        self.daemon.write("POST", "/reload")
        self.addCleanup(self.daemon.write, "POST", "/reload")
        self.addCleanup(self.daemon.write_config)
        self.addCleanup(self.daemon.config["metrics"].pop, "enabled")
        self.assert_problem(self.daemon.request("GET", "/metrics"), 404, "metrics.enabled")


class Prometheus(HttpTest):
    WEB = 9090

    @classmethod
    def start(cls):
        super().start()
        cls.directory = tempfile.mkdtemp(prefix="pepctl-prometheus-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        config = os.path.join(cls.directory, "prometheus.yml")
        with open(config, "w") as file:
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                       "scrape_configs": [{"job_name": "pepctl", "static_configs": [
                           {"targets": ["127.0.0.1:%d" % PORT]}]}]}, file)
        cls.log = open(os.path.join(cls.directory, "log"), "w+")
        cls.addClassCleanup(cls.log.close)
        cls.prometheus = cls.lab.host.popen(
            ["prometheus", "--config.file=" + config, "--storage.tsdb.path=" + cls.directory,
             "--web.listen-address=127.0.0.1:%d" % cls.WEB],
            stdin=subprocess.DEVNULL, stdout=cls.log, stderr=cls.log)
        cls.addClassCleanup(cls.end_prometheus)

    @classmethod
    def end_prometheus(cls):
        cls.prometheus.send_signal(signal.SIGTERM)
        cls.prometheus.wait(30)

    def query(self, expression):
        """The one value of an instant query, or None."""
        url = "http://127.0.0.1:%d/api/v1/query?query=%s" % (
            self.WEB, urllib.parse.quote(expression))
        done = subprocess.run(
            ["nsenter", "--net=" + self.lab.host.path, "curl", "-sS", "--max-time", "5", url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=10,
            pass_fds=[self.lab.host.fd])
        if done.returncode or not done.stdout.startswith("{"):
            return None  # it has just been started
        result = json.loads(done.stdout).get("data", {}).get("result", [])
        return float(result[0]["value"][1]) if len(result) == 1 else None

    def wait_for(self, expression, value, seconds=30):
        wait_until(lambda: self.query(expression) == value,
                   lambda: "%s is %s, not %s" % (expression, self.query(expression), value),
                   seconds)

    def test_scraped_values_are_what_was_sent(self):
        self.wait_for('up{job="pepctl"}', 1)
        self.daemon.put(block("b", protocol="UDP", dport=53),
                        policy("watch", "LOG_ONLY", protocol="UDP", dport=54))
        self.daemon.write("POST", "/reset")
        self.assert_ingress(
            *[("blocked", packets.udp(PEER4, NOBODY4, 1, 53, b"x" * 100), False)] * 7)
        self.assert_ingress(
            *[("watched", packets.udp(PEER4, NOBODY4, 1, 54, b"x" * 100), True)] * 5)
        self.wait_for('pepctl_policy_packets_total{policy="b"}', 7)
        self.wait_for('pepctl_policy_bytes_total{policy="b"}', 7 * 128)
        self.wait_for('pepctl_dropped_packets_total{interface="d0",direction="ingress",'
                      'reason="policy"}', 7)
        self.wait_for("pepctl_daemon_packets_logged_total", 5)
        self.wait_for("pepctl_enforcement_in_sync", 1)
        self.wait_for('pepctl_interface_info{interface="d0"}', 1)
        self.wait_for('pepctl_policies{origin="api"}', 2)

    def test_all_of_it_is_taken_in(self):
        self.wait_for('up{job="pepctl"}', 1)
        self.assertEqual(self.query('scrape_samples_scraped{job="pepctl"}'),
                         self.query('scrape_samples_post_metric_relabeling{job="pepctl"}'))
        self.assertGreater(self.query('count({__name__=~"pepctl_.*"})'), 60)


if __name__ == "__main__":
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        print("prometheus and promtool are not installed")
        sys.exit(SKIPPED)
    main()
