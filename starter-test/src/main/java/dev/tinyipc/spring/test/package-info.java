/** Tests of applications with children, without processes. */
@NullMarked
package dev.tinyipc.spring.test;

import org.jspecify.annotations.NullMarked;
