package dev.tinyipc;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** An application that is restarted in the same JVM leaves its classes behind. */
@Timeout(60)
class ClassLoaderTests {

	/** Read by a loader of its own. No record, whose {@code equals} the JVM keeps. */
	public static final class Payload {

		public String text = "";

	}

	@Test
	void typesThatWereSentAndReceivedAreNotKeptOnceTheirSocketsAreClosed() throws Exception {
		WeakReference<ClassLoader> loader = exchangeWithTypesOfAnotherLoader();
		await().until(() -> {
			System.gc();
			return loader.get() == null;
		});
	}

	private static WeakReference<ClassLoader> exchangeWithTypesOfAnotherLoader() throws Exception {
		URL classes = Payload.class.getProtectionDomain().getCodeSource().getLocation();
		URLClassLoader loader = new URLClassLoader(new URL[] { classes }, ClassLoaderTests.class.getClassLoader()) {

			@Override
			protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
				return name.equals(Payload.class.getName()) ? findClass(name) : super.loadClass(name, resolve);
			}

		};
		Class<?> type = loader.loadClass(Payload.class.getName());
		Object payload = type.getConstructor().newInstance();
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (int i = 0; i < 3; i++) {
				IpcChannel.over(pair.parent()).send(payload);
				assertThat(IpcChannel.over(pair.child()).receive(type).payload().getClass() == type).isTrue();
			}
		}
		loader.close();
		return new WeakReference<>(loader);
	}

}
