package dev.tinyipc.spring.readme;

record Thumbnail(String type) {
}
