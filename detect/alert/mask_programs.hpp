// SPDX-License-Identifier: Apache-2.0
// Which options of which programs take a secret. From their manual pages.
//
// Memory: static. Threads: no state.
#pragma once

#include <cstdint>
#include <string_view>

namespace audisp_eql::detect {

struct SecretOption {
    std::string_view programs;  // base names, a space before and after each
    std::string_view option;    // "-p", "--user"; of one dash and one letter also in a cluster: -xp
    bool attached;              // -pSECRET, --user=SECRET
    bool separate;              // -p SECRET
    char after = 0;             // the secret begins behind this: user:password
    std::string_view command = {};  // only where this word was before it
};

inline constexpr SecretOption kSecretOptions[] = {
    // -p with a word behind it is a database there.
    {" mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlslap mysqlbinlog mysqlpump "
     "mysqlsh mysql_upgrade mariadb mariadb-dump mariadb-admin mariadb-import mariadb-show "
     "mariadb-check mariadb-slap mariadb-binlog mariadb-backup mariabackup mycli xtrabackup ",
     "-p", true, false},
    {" 7z 7za 7zr 7zz rar unrar ", "-p", true, false},
    {" rar unrar ", "-hp", true, false},
    {" xfreerdp xfreerdp3 wlfreerdp ", "/p:", true, false},
    {" sshpass mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat rdesktop "
     "ncftp ncftpput ncftpget crackmapexec cme nxc netexec evil-winrm smbmap useradd usermod "
     "groupadd groupmod mosquitto_passwd az cqlsh ",
     "-p", true, true},
    {" hydra medusa ncrack ", "-p", true, true},
    {" docker podman nerdctl buildah skopeo helm ", "-p", true, true, 0, "login"},
    {" sqlcmd bcp tsql isql-fb zip unzip zipcloak ipmitool mosquitto_pub mosquitto_sub ", "-P",
     true, true},
    {" plink pscp psftp putty ", "-pw", false, true},
    {" ldapsearch ldapadd ldapmodify ldapdelete ldapmodrdn ldapcompare ldapexop ldappasswd "
     "ldapwhoami ",
     "-w", true, true},
    {" ldappasswd ", "-s", true, true},
    {" ldappasswd ", "-a", true, true},
    {" redis-cli keydb-cli valkey-cli ", "-a", true, true},
    {" snmpget snmpwalk snmpset snmpbulkwalk snmptrap ", "-A", false, true},
    {" snmpget snmpwalk snmpset snmpbulkwalk snmptrap ", "-X", false, true},
    {" openssl ", "-k", false, true},
    {" openssl ", "-K", false, true},
    {" curl ", "-u", true, true, ':'},
    {" curl ", "--user", true, true, ':'},
    {" curl ", "-U", true, true, ':'},
    {" curl ", "--proxy-user", true, true, ':'},
    {" http https httpie xh ", "-a", true, true, ':'},
    {" http https httpie xh ", "--auth", true, true, ':'},
    {" lftp ", "-u", true, true, ','},
    {" smbclient rpcclient smbget smbcacls net winexe pth-winexe wmic ", "-U", true, true, '%'},
    {" smbclient rpcclient smbget smbcacls net ", "--user", true, true, '%'},
    {" gpg gpg2 ", "--passphrase", true, true},
    {" vault ", "login", false, true},
};
constexpr std::size_t kSecretOptionCount = std::size(kSecretOptions);
static_assert(kSecretOptionCount < 64, "a set of them is one number");

// Their last word is one; `needs`: an option without which they ask for it.
struct SecretLastWord {
    std::string_view program, command, needs;
};
inline constexpr SecretLastWord kSecretLastWords[] = {
    {"wpa_passphrase", "", ""},
    {"mkpasswd", "", ""},
    {"htpasswd", "", "b"},
    {"openssl", "passwd", ""},
};

// They read a secret from their input, which an echo before the pipe writes.
inline constexpr std::string_view kReadsSecrets =
    " chpasswd smbpasswd --stdin --password-stdin --passphrase-fd -S ";

// What stands before a name that is not run.
inline constexpr std::string_view kNamesFollow =
    " -name -iname -path -wholename --name --hostname --network --link ";

}  // namespace audisp_eql::detect
