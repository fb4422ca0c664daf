package dev.tinyipc.spring.readme;

record Request(int size) {
}
