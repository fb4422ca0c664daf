package dev.tinyipc.demo;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

class LayersTests {

	@Test
	void theWorkerIsPlainJavaOnTheCore() {
		classes().that()
			.resideInAPackage("dev.tinyipc.demo.worker")
			.should()
			.onlyDependOnClassesThat()
			.resideInAnyPackage("java..", "javax.imageio..", "org.jspecify..", "dev.tinyipc", "dev.tinyipc.demo.worker",
					"com.sun.jna") // which an exploit finds there
			.check(new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
				.importPackages("dev.tinyipc.demo"));
	}

}
