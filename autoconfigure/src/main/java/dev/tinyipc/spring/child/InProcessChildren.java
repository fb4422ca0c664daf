package dev.tinyipc.spring.child;

import dev.tinyipc.IpcProcess;
import org.jspecify.annotations.Nullable;

/**
 * Programs that run in this JVM in place of the processes of children. If there is a bean
 * of this type, no process is started: {@code tiny-ipc-spring-boot-starter-test} has one.
 * What is said of processes, such as their environment, profile, transport and limits,
 * does not apply to them.
 */
@FunctionalInterface
public interface InProcessChildren {

	/**
	 * The program that runs in place of each instance of a child.
	 * @param child the child's name
	 * @return the program; null if there is none, and the child is not to be started
	 */
	IpcProcess.@Nullable Program program(String child);

}
