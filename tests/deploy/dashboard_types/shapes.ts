// The shape of our dashboards in Grafana's own types. The JSON files are written after this as constants, not imported:
// only so does the compiler see which words stand in them, and fields that Grafana does not know.
import type {
  AnnotationQuery,
  Dashboard,
  FieldConfig,
  GraphFieldConfig,
  Panel,
  RowPanel,
  TableFieldOptions,
  VariableModel,
} from "@grafana/schema";
import type { Options as StatOptions } from "@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts";
import type { Options as TableOptions } from "@grafana/schema/dist/types/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts";
import type { Options as TimeSeriesOptions } from "@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts";

// JSON knows no enumerations: their values are written as they are.
type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Array<Written<Item>>
      : T extends object
        ? { [Key in keyof T]: Written<T[Key]> }
        : T;

type Source = { type: "prometheus"; uid: "prometheus" };

// The query editor's types are not published; these are the fields of a Prometheus query that we use.
type Target = {
  refId: string;
  datasource: Source;
  expr: string;
  legendFormat: string;
  range: boolean;
  instant: boolean;
  format?: "table" | "time_series";
};

type Shown<Type extends string, Options, Custom> = Omit<Written<Panel>, "type" | "targets" | "options" | "fieldConfig"> & {
  type: Type;
  title: string;
  description: string;
  datasource: Source;
  targets: Target[];
  options: Written<Options>;
  fieldConfig: {
    defaults: Omit<Written<FieldConfig>, "custom"> & { custom?: Written<Custom> };
    overrides: Array<{ matcher: { id: "byName"; options: string }; properties: Array<{ id: string; value: unknown }> }>;
  };
};

type Drawn =
  | Shown<"timeseries", TimeSeriesOptions, GraphFieldConfig>
  | Shown<"stat", StatOptions, Record<string, never>>
  | Shown<"table", TableOptions, Partial<TableFieldOptions>>;

export type Ours = Omit<Written<Dashboard>, "panels" | "annotations" | "templating"> & {
  uid: string;
  title: string;
  panels: Array<Drawn | (Omit<Written<RowPanel>, "panels"> & { panels: Drawn[] })>;
  annotations: { list: Array<Omit<Written<AnnotationQuery>, "target"> & { target: object; titleFormat: string; textFormat: string }> };
  templating: { list: Array<Written<VariableModel>> };
};
