/** What the browser talks to. */
@NullMarked
package dev.tinyipc.demo.web;

import org.jspecify.annotations.NullMarked;
