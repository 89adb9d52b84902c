{#-
    How every test runs: as always, and elementary notes the result for its report. dbt takes this
    only from the project itself, not from a package.
-#}
{% materialization test, default %}
    {{ return(elementary.materialization_test_default()) }}
{% endmaterialization %}
