package dev.tinyipc.demo;

import dev.tinyipc.Sandbox;
import dev.tinyipc.demo.worker.ThumbnailWorker;
import dev.tinyipc.demo.worker.Thumbnails;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ImportIpcServices;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/**
 * A web application that makes thumbnails of uploaded pictures. Uploads cannot be
 * trusted, so worker processes decode them: a picture that crashes its decoder costs a
 * worker, and not the application; one that takes over its decoder finds nothing to open
 * and nobody to talk to.
 */
@SpringBootApplication
@ChildProcess(name = "thumbnailer", main = ThumbnailWorker.class, jvmArguments = "-Xmx256m", instances = 2,
		ready = true, sandbox = Sandbox.Profile.LOCKED_DOWN)
@ImportIpcServices(destination = "thumbnailer", types = Thumbnails.class)
public class DemoApplication {

	/**
	 * Starts the application.
	 * @param args arguments for Spring Boot, such as {@code --server.port=8081}
	 */
	public static void main(String[] args) {
		SpringApplication.run(DemoApplication.class, args);
	}

}
