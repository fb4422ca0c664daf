package dev.tinyipc.benchmark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Programs that do nothing useful, all the time. */
record BusyPrograms(List<Process> processes) implements AutoCloseable {

	static BusyPrograms start(int count) {
		BusyPrograms programs = new BusyPrograms(new ArrayList<>());
		try {
			for (int i = 0; i < count; i++) {
				programs.processes.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
			}
			return programs;
		}
		catch (IOException ex) {
			programs.close();
			throw new IllegalStateException("sh cannot be started", ex);
		}
	}

	@Override
	public void close() {
		this.processes.forEach(Process::destroyForcibly);
	}

}
