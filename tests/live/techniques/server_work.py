# SPDX-License-Identifier: Apache-2.0
"""Ordinary work of servers and of those who look after them: application servers, jobs for later,
mail that is piped into programs, compilers over a network, checks from a monitoring server, hooks,
backups and dumps over ssh."""

from daily_work import SSH
from ordinary import DONE, asks
from scenarios import Work

FPM = """\
printf '%s\\n' '[global]' 'error_log=@D@/log' '[w]' 'listen=@D@/s' 'pm=static' 'pm.max_children=2' \\
  'user=root' 'group=root' >@D@/conf
php-fpm8.2 -F -R -y @D@/conf & fpm=$!
sleep 1
for n in 1 2 3; do
  SCRIPT_FILENAME=@D@/p.php REQUEST_METHOD=GET cgi-fcgi -bind -connect @D@/s >/dev/null
done
kill $fpm
"""
FPM_PAGE = "<?php $v = file_get_contents('http://@H@:@P@/version'); echo shell_exec('date; id');" \
    "exec(\"uname -a\", $o); usleep(200000); echo shell_exec('df /'); ?>"
UWSGI = """\
import subprocess, urllib.request
def application(environ, start):
    urllib.request.urlopen("http://@H@:@P@/v").read()
    out = subprocess.run("date; uname -a", shell=True, stdout=-1).stdout
    out += subprocess.run(["df", "/"], stdout=-1).stdout
    start("200 OK", [("Content-Type", "text/plain")])
    open("@D@/done", "w").close()
    return [out]
"""
AT = """\
atd -f -l 90 -b 1 & atd=$!
sleep 0.5
printf '%s\\n' 'date' 'sleep 0.3' 'curl -s http://@H@:@P@/x >/dev/null' 'sleep 0.3' 'uname -a' \\
  'sleep 0.2; touch @D@/done' | at now 2>/dev/null
for n in $(seq 300); do [ -e @D@/done ] && break; sleep 0.2; done
kill $atd
"""
EXIM = """\
printf '%s\\n' 'spool_directory = @D@/spool' 'log_file_path = @D@/log-%slog' 'exim_user = root' \\
  'exim_group = root' 'never_users =' 'keep_environment =' 'begin routers' 'all:' \\
  '  driver = accept' '  transport = piped' 'begin transports' 'piped:' '  driver = pipe' \\
  '  command = /bin/sh @D@/filter' '  user = root' '  return_output = false' >@D@/conf
mkdir @D@/spool
for n in 1 2; do printf 'Subject: x\\n\\nbody\\n' | exim4 -C @D@/conf -odf -f a@example.com b@example.com; done
touch @D@/done
"""
NPM = """\
set -e
export HOME=@D@ npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
cd @D@
mkdir -p tool app
printf '%s' '{"name":"tool","version":"1.0.0","scripts":{"preinstall":"curl -s http://@H@:@P@/v",' \\
  '"install":"node -e 0","postinstall":"sh steps.sh"}}' >tool/package.json
printf 'date\\nuname -a\\n' >tool/steps.sh
printf '%s' '{"name":"app","version":"1.0.0","scripts":{"test":"date && sh -c id"}}' >app/package.json
cd app
npm install --install-links --offline ../tool >log 2>&1
npm test >>log 2>&1
touch @D@/done
"""
DISTCC = """\
cd @D@
distccd --no-detach --daemon --allow 198.51.100.0/24 --listen @V@ --port @R@ --jobs 2 \\
  --user root --log-file @D@/log & server=$!
sleep 1
export DISTCC_HOSTS=@V@:@R@ DISTCC_DIR=@D@/dir DISTCC_FALLBACK=0
for i in 1 2 3; do echo 'int f(void){return 0;}' >$i.c; distcc gcc -c $i.c; done
kill $server
touch @D@/done
"""
NRPE = """\
printf '%s\\n' 'server_address=@V@' 'server_port=@R@' 'allowed_hosts=198.51.100.0/24' \\
  'nrpe_user=root' 'nrpe_group=root' 'pid_file=@D@/pid' \\
  'command[disk]=/usr/lib/nagios/plugins/check_disk -w 1% -p /' \\
  'command[load]=/usr/lib/nagios/plugins/check_load -w 99 -c 99' \\
  'command[web]=/usr/lib/nagios/plugins/check_tcp -H @H@ -p @P@' \\
  'command[sh]=sh @D@/check' >@D@/conf
nrpe -f -c @D@/conf & server=$!
sleep 1
for c in disk load web sh disk; do
  /usr/lib/nagios/plugins/check_nrpe -H @V@ -p @R@ -c $c >>@D@/log; sleep 0.3
done
kill $server
touch @D@/done
"""
GIT = f"""\
set -e
export HOME=@D@ GIT_SSH_COMMAND='{SSH}'
cd @D@
git config --global user.email a@example.com
git config --global user.name a
git init -q --bare there
printf '#!/bin/sh\\nwhile read old new ref; do date; git -C @D@/there log --oneline -1; done\\n' \\
  >there/hooks/post-receive
printf '#!/bin/sh\\ncurl -s http://@H@:@P@/ci >/dev/null; uname -a\\n' >there/hooks/update
chmod +x there/hooks/post-receive there/hooks/update
git init -q here
cd here
for n in 1 2; do
  echo $n >f; git add f; git commit -qm $n
  git push -q root@@V@:@D@/there HEAD:main >>@D@/log 2>&1
done
touch @D@/done
"""
BORG = f"""\
export HOME=@D@ BORG_RSH='{SSH}' BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes \\
  BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
borg init -e none ssh://root@@V@/@D@/repo >>@D@/log 2>&1
borg create ssh://root@@V@/@D@/repo::a /usr/share/doc/bash >>@D@/log 2>&1
borg prune -d 1 ssh://root@@V@/@D@/repo >>@D@/log 2>&1
touch @D@/done
"""
DUMPS = f"""\
sqlite3 @D@/db 'create table t(a); insert into t values (1),(2);'
sqlite3 @D@/db .dump | gzip | {SSH} root@@V@ 'cat >@D@/dump.gz && zcat @D@/dump.gz | sqlite3 @D@/copy'
{SSH} root@@V@ "sqlite3 @D@/copy .dump" | sqlite3 @D@/third
for t in a b; do {SSH} root@@V@ "echo 'select * from t;'" | sqlite3 @D@/db; sleep 0.2; done
touch @D@/done
"""

WORKS = [
    Work("php_fpm", "web", "service", f"sh -c 'sh @D@/run; {DONE}'",
         "E: workers of a server fetch, and run sh -c", needs=("php-fpm8.2", "cgi-fcgi"),
         files={"run": FPM, "p.php": FPM_PAGE}, serves="site", pages={"/version": "2"}, live=False),
    Work("uwsgi_workers", "web", "service",
         "uwsgi_python3 --http-socket @V@:@R@ --wsgi-file @D@/a.py --master --processes 2 "
         "--logto @D@/log", "E: workers accept, fetch, and run sh -c", needs=("uwsgi_python3",),
         files={"a.py": UWSGI}, serves="site", plays=asks(times=4), live=False),
    Work("at_job", "cron", "service", "sh @D@/a", "D: a shell that reads its job from a file",
         needs=("atd", "at", "curl"), files={"a": AT}, serves="site", patience=90, live=False),
    Work("exim_pipe", "mail", "cron", "sh @D@/m", "C: a mail server feeds a script",
         needs=("exim4",), files={"m": EXIM, "filter": "cat >/dev/null\ndate\nuname -a\n"},
         live=False),
    Work("npm_install", "package", "ssh", "sh @D@/n", "E: an installer runs what packages bring",
         needs=("npm", "curl"), files={"n": NPM}, serves="site", pages={"/v": "1"}, patience=90,
         live=False),
    Work("distcc_build", "build", "cron", "sh @D@/d", "bind: accepts, and runs compilers",
         needs=("distccd", "gcc"), files={"d": DISTCC}, patience=60, live=False),
    Work("nrpe_checks", "monitor", "service", "sh @D@/n", "bind: accepts, and runs checks",
         needs=("nrpe", "/usr/lib/nagios/plugins/check_nrpe"),
         files={"n": NRPE, "check": "date\nsleep 0.2\nuname -a\n"}, serves="site", live=False),
    Work("git_hooks", "git", "cron", "sh @D@/g", "sshd starts hooks, and these run things",
         needs=("git", "ssh", "sshd", "curl"), files={"g": GIT}, serves="site", patience=60,
         live=False),
    Work("borg_over_ssh", "backup", "cron", "sh @D@/b", "G: a server program on pipes below sshd",
         needs=("borg", "ssh", "sshd"), files={"b": BORG}, patience=90, live=False),
    Work("dumps_over_ssh", "backup", "cron", "sh @D@/p",
         "D: programs that run others in pipelines with connections",
         needs=("sqlite3", "ssh", "sshd"), files={"p": DUMPS}, live=False),
]
