#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Of the techniques and the ordinary work, some of each kind that do not depend on how busy the
machine is: in every run of the tests, where all of them are for machines with nothing else to do."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parent.parent)]
import harness
import run
from harness import expect

TECHNIQUES = {
    # The connection stands on the shell's standard descriptors.
    "bash_tcp_ssh", "bash_tcp6_cron", "bash_copied_web", "zsh_ztcp_cron", "nc_traditional_e_web",
    "nc_renamed_cron", "busybox_nc_ssh", "perl_exec_ssh", "ruby_spawn_web", "c_exec_service",
    "c_memfd_web", "python_subprocess_ssh", "ncat_exec6_ssh", "go_exec_service",
    # The shell waits for its operator behind a relay, a terminal or a pipeline.
    "socat_pty_web", "socat_udp_ssh", "python_pty6_web", "java_shell_ssh", "nc_fifo_web", "tls_two_web",
    "bind_nc_traditional_ssh", "bind_busybox_cron", "gawk_loop_ssh", "beacon_curl_sh_cron",
    "relay_unix_socat_ssh",
}
WORK = {
    "package_install", "build_make", "git_over_ssh", "remote_commands", "curl_pipe_sh",
    "wget_pipe_bash", "web_page_runs_tools", "cgi_busybox", "cgi_python", "inetd_script",
    "prefork_server", "nginx_proxy", "monitoring_agent", "ci_runner_pipes_jobs", "worker_pool",
    "report_uploads", "wait_for_port_exec_login_shell", "health_tls_pipe",
}
# Two of them to a core of a small machine.
AT_ONCE = 4


def test(arguments, directory):
    names = TECHNIQUES | WORK
    results = run.verify(arguments, directory, lambda scenario: scenario.name in names, AT_ONCE)
    unknown = names - {result.scenario.name for result in results}
    expect(not unknown, f"no such scenario: {', '.join(sorted(unknown))}")
    if not any(result.skipped for result in results):
        expect(sum(r.is_attack for r in results) >= 20 and
               sum(not r.is_attack for r in results) >= 15, "20 techniques and 15 workloads")


if __name__ == "__main__":
    harness.main("live.shells", test)
