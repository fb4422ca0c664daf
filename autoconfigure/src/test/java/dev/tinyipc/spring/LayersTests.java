package dev.tinyipc.spring;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

class LayersTests {

	private final JavaClasses classes = new ClassFileImporter()
		.withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
		.importPackages("dev.tinyipc");

	@Test
	void importsRunFromAutoconfigureToActuateAndListenerToChildToSpringToCore() {
		Architectures.layeredArchitecture()
			.consideringOnlyDependenciesInAnyPackage("dev.tinyipc..")
			.layer("autoconfigure")
			.definedBy("dev.tinyipc.spring.autoconfigure")
			.layer("actuate")
			.definedBy("dev.tinyipc.spring.actuate")
			.layer("observation")
			.definedBy("dev.tinyipc.spring.observation")
			.layer("listener")
			.definedBy("dev.tinyipc.spring.listener")
			.layer("child")
			.definedBy("dev.tinyipc.spring.child")
			.layer("spring")
			.definedBy("dev.tinyipc.spring")
			.layer("core")
			.definedBy("dev.tinyipc")
			.whereLayer("autoconfigure")
			.mayNotBeAccessedByAnyLayer()
			.whereLayer("actuate")
			.mayOnlyBeAccessedByLayers("autoconfigure")
			.whereLayer("observation")
			.mayOnlyBeAccessedByLayers("autoconfigure")
			.whereLayer("listener")
			.mayOnlyBeAccessedByLayers("autoconfigure")
			.whereLayer("child")
			.mayOnlyBeAccessedByLayers("autoconfigure", "actuate", "listener")
			.whereLayer("spring")
			.mayOnlyBeAccessedByLayers("autoconfigure", "actuate", "listener", "child")
			.whereLayer("core")
			.mayOnlyBeAccessedByLayers("autoconfigure", "actuate", "observation", "listener", "child", "spring")
			.check(this.classes);
	}

	@Test
	void whatIsOptionalIsTouchedByActuateObservationAndAutoconfigureOnly() {
		noClasses().that()
			.resideInAnyPackage("dev.tinyipc.spring", "dev.tinyipc.spring.child", "dev.tinyipc.spring.listener")
			.should()
			.dependOnClassesThat()
			.resideInAnyPackage("io.micrometer..", "org.springframework.boot.actuate..",
					"org.springframework.boot.health..")
			.check(this.classes);
	}

	/** But for an annotation of an annotation, which need not be there. */
	@Test
	void springMessagingIsTouchedByListenerItsTemplateAndAutoconfigureOnly() {
		noClasses().that()
			.resideInAnyPackage("dev.tinyipc.spring", "dev.tinyipc.spring.child", "dev.tinyipc.spring.actuate")
			.and()
			.areNotAnnotations()
			.and()
			.doNotHaveSimpleName("IpcMessagingTemplate")
			.should()
			.dependOnClassesThat()
			.resideInAPackage("org.springframework.messaging..")
			.check(this.classes);
	}

	@Test
	void nativeCodeIsTheBusinessOfTheCore() {
		noClasses().that()
			.resideInAPackage("dev.tinyipc.spring..")
			.should()
			.dependOnClassesThat()
			.resideInAPackage("com.sun.jna..")
			.check(this.classes);
	}

}
