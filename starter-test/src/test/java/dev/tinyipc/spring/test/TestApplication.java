package dev.tinyipc.spring.test;

import dev.tinyipc.spring.ChildProcess;

import org.springframework.boot.autoconfigure.SpringBootApplication;

/** An application whose children cannot run: there are no such programs. */
@SpringBootApplication
@ChildProcess(name = "greeter", command = "/does/not/exist", ready = true)
class TestApplication {

}
